//! The demo's project and its backlog: a tea shop in seven small domains, as files.

/// The label of the issues that the demo takes.
pub const LABEL: &str = "demo";

/// A file by its path from the project's root, and its text.
pub type File = (&'static str, &'static str);

/// The project as it grew: the subject of each commit, and the files that it brought.
pub const HISTORY: [(&str, &[File]); 4] = [
    (
        "A shop that takes orders",
        &[
            ("README.md", README),
            ("api/app.py", APP),
            ("api/orders.py", ORDERS),
            ("api/payments.py", PAYMENTS),
            ("tests/test_orders.py", TEST_ORDERS),
            ("tests/test_payments.py", TEST_PAYMENTS),
            ("db/0001_orders.sql", MIGRATION),
        ],
    ),
    (
        "Prices, sessions and greetings",
        &[
            ("api/prices.py", PRICES),
            ("api/session.py", SESSION),
            ("api/greetings.py", GREETINGS),
            ("tests/test_prices.py", TEST_PRICES),
            ("tests/test_greetings.py", TEST_GREETINGS),
        ],
    ),
    (
        "A page to order from",
        &[
            ("web/index.html", INDEX),
            ("web/about.html", ABOUT),
            ("web/style.css", STYLE),
        ],
    ),
    (
        "How it is run and what it answers",
        &[
            ("deploy/Dockerfile", DOCKERFILE),
            ("docs/api.md", API_GUIDE),
        ],
    ),
];

/// The backlog, by file name below `.autoissue/issues/`.
pub const ISSUES: [File; 12] = [
    (
        "1-cancel-an-order.md",
        "---\ntitle: \"[Backend] Let a customer cancel an order\"\nlabels: [demo, P1]\nauthor: mira\n---\n\nAdd `cancel_order` to `api/orders.py`, with a test in `tests/test_orders.py`.\n\nAn order that was sent already cannot be cancelled.\n",
    ),
    (
        "2-cancel-button.md",
        "---\ntitle: \"[Frontend] Show a cancel button\"\nlabels: [demo]\ndepends_on: [1]\nauthor: mira\n---\n\nA button next to the order in `web/index.html`, styled in `web/style.css`.\n",
    ),
    (
        "3-index-orders.md",
        "---\ntitle: \"[Database] Look orders up by customer\"\nlabels: [demo]\n---\n\nA new migration `db/0002_orders_by_customer.sql` with an index. The list of a customer's orders is slow.\n",
    ),
    (
        "4-refunds.md",
        "---\ntitle: \"[Backend] Refund a cancelled order\"\nlabels: [demo, P1]\nauthor: jonas\n---\n\nAdd `refund_order` to `api/payments.py`. Money goes back the way it came.\n",
    ),
    (
        "5-pin-the-image.md",
        "---\ntitle: \"[Infrastructure] Pin the base of the image\"\nlabels: [demo, P3]\n---\n\n`deploy/Dockerfile` says `latest`: two builds of one commit can differ.\n",
    ),
    (
        "6-readme-checks.md",
        "---\ntitle: \"[Documentation] Say how to check a change\"\nlabels: [demo]\n---\n\nA section in `README.md` that says what the house rules are.\n",
    ),
    (
        "7-readme-image.md",
        "---\ntitle: \"[Infrastructure] Say how to build the image\"\nlabels: [demo]\n---\n\nA section in `README.md` with the command.\n",
    ),
    (
        "8-cookie.md",
        "---\ntitle: \"[Security] Send the session cookie over https only\"\nlabels: [demo, P0]\nauthor: jonas\n---\n\nThe cookie of `api/session.py` lacks `Secure` and `HttpOnly`.\n",
    ),
    (
        "9-odd-prices.md",
        "---\ntitle: \"[Testing] Cover prices that do not divide evenly\"\nlabels: [demo]\n---\n\nThree bags for ten: `tests/test_prices.py` only knows round numbers.\n",
    ),
    (
        "10-page-title.md",
        "---\ntitle: \"[Frontend] Give the about page a title\"\nlabels: [demo, P3]\n---\n\n`web/about.html` should have a title for the browser's tab.\n",
    ),
    (
        "11-welcome-back.md",
        "---\ntitle: \"[Backend] Greet customers who come back\"\nlabels: [demo]\n---\n\n`api/greetings.py` says the same to everybody.\n",
    ),
    (
        "12-describe-cancelling.md",
        "---\ntitle: \"[Documentation] Describe cancelling in the guide\"\nlabels: [demo]\n---\n\nExtend `docs/api.md`, once it exists and can be seen.\n\nDepends on #1 and #2.\n",
    ),
];

const README: &str = "# Tea shop

A small shop: an API, a page, a database.

* [What the API answers](docs/api.md)
";

const APP: &str = r#""""Routes: which function answers which request."""

ROUTES = {}


def route(request):
    def remember(answer):
        ROUTES[request] = answer
        return answer

    return remember
"#;

const ORDERS: &str = r#""""Orders: place one, look one up."""

from api.app import route

ORDERS = {}


@route("POST /orders")
def place_order(customer, teas):
    number = len(ORDERS) + 1
    ORDERS[number] = {"customer": customer, "teas": teas, "state": "placed"}
    return number


@route("GET /orders/<number>")
def show_order(number):
    return ORDERS[number]
"#;

const PAYMENTS: &str = r#""""Payments: take the money for an order."""

from api.app import route

PAID = {}


@route("POST /orders/<number>/pay")
def pay_order(number, cents):
    PAID[number] = cents
    return "paid"
"#;

const PRICES: &str = r#""""Prices in whole cents."""


def share(cents, bags):
    """The price of each bag, so that they sum up to the whole."""
    low, rest = divmod(cents, bags)
    return [low + 1] * rest + [low] * (bags - rest)
"#;

const SESSION: &str = r#""""Sessions: who is logged in."""


def cookie(token):
    return f"session={token}; Path=/; SameSite=Lax"
"#;

const GREETINGS: &str = r#""""What the shop says to its customers."""


def greet(name):
    return f"Welcome, {name}!"
"#;

const TEST_ORDERS: &str = r#"from api.orders import place_order, show_order


def test_place_order():
    assert place_order("ada", ["oolong"]) == 1


def test_show_order():
    assert show_order(1)["customer"] == "ada"
"#;

const TEST_PAYMENTS: &str = r#"from api.payments import pay_order


def test_pay_order():
    assert pay_order(1, 1200) == "paid"
"#;

const TEST_PRICES: &str = "from api.prices import share


def test_share_evenly():
    assert share(900, 3) == [300, 300, 300]
";

const TEST_GREETINGS: &str = r#"from api.greetings import greet


def test_greet():
    assert greet("Ada") == "Welcome, Ada!"
"#;

const MIGRATION: &str = "CREATE TABLE orders (
    number   INTEGER PRIMARY KEY,
    customer TEXT NOT NULL,
    state    TEXT NOT NULL DEFAULT 'placed'
);
";

const INDEX: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <title>Tea shop</title>
    <link rel="stylesheet" href="style.css">
  </head>
  <body>
    <h1 class="name">Tea shop</h1>
    <p class="order">Oolong, 100 g</p>
  </body>
</html>
"#;

const ABOUT: &str = r#"<!doctype html>
<html lang="en">
  <head>
    <title>About the tea shop</title>
  </head>
  <body>
    <h1 class="name">About us</h1>
  </body>
</html>
"#;

const STYLE: &str = ".name { font-weight: bold; }

.order { margin: 1em; }
";

const DOCKERFILE: &str = "FROM python:latest
COPY api /shop/api
CMD [\"python\", \"-m\", \"api.app\"]
";

const API_GUIDE: &str = "# What the API answers

* `POST /orders` places an order.
* `GET /orders/<number>` shows it.
";
