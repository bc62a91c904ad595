//! What the demo's agent does for each issue: real edits, with a slip, a crash and an issue that needs nothing.

/// One thing that the agent does.
#[derive(Clone, Copy, Debug)]
pub enum Step {
    /// Takes its time, in milliseconds.
    Think(u64),
    /// Says what it does.
    Say(&'static str),
    /// Makes a file.
    Create(&'static str, &'static str),
    /// Adds text at the end of a file.
    Append(&'static str, &'static str),
    /// Replaces the first text by the second in a file.
    Replace(&'static str, &'static str, &'static str),
    /// Dies with these words.
    Crash(&'static str),
}

/// What the agent does for one issue.
#[derive(Clone, Copy, Debug)]
pub struct Script {
    /// The issue's number.
    pub issue: u64,
    /// What it does the first time.
    pub first: &'static [Step],
    /// What it does instead when the first time left its mark: this text in that file.
    pub again: Option<(&'static str, &'static str, &'static [Step])>,
    /// What it says it cost, in micro-dollars.
    pub micros: u64,
    /// What it says in the end.
    pub summary: &'static str,
}

use Step::{Append, Crash, Create, Replace, Say, Think};

/// The script of an issue.
#[must_use]
pub fn script_of(issue: u64) -> Option<&'static Script> {
    SCRIPTS.iter().find(|script| script.issue == issue)
}

/// All of them.
pub const SCRIPTS: [Script; 12] = [
    Script {
        issue: 1,
        first: &[
            Say("Reading api/orders.py"),
            Think(180),
            Say("Adding cancel_order"),
            Append(
                "api/orders.py",
                "\n\n@route(\"POST /orders/<number>/cancel\")\ndef cancel_order(number):\n    order = ORDERS[number]\n    if order[\"state\"] == \"sent\":\n        return \"too late\"\n    order[\"state\"] = \"cancelled\"\n    return \"cancelled\"\n",
            ),
            Think(160),
            Say("Adding its test"),
            Replace(
                "tests/test_orders.py",
                "import place_order",
                "import cancel_order, place_order",
            ),
            Append(
                "tests/test_orders.py",
                "\n\ndef test_cancel_order():\n    assert cancel_order(1) == \"cancelled\"\n",
            ),
            Think(120),
        ],
        again: None,
        micros: 84_300,
        summary: "Orders can be cancelled until they are sent; a test covers it.",
    },
    Script {
        issue: 2,
        first: &[
            Say("Reading web/index.html"),
            Think(150),
            Replace(
                "web/index.html",
                "Oolong, 100 g</p>\n",
                "Oolong, 100 g</p>\n    <button class=\"cancel\">Cancel</button>\n",
            ),
            Append("web/style.css", "\n.cancel { color: darkred; }\n"),
            Think(170),
        ],
        again: None,
        micros: 41_200,
        summary: "The order has a cancel button.",
    },
    Script {
        issue: 3,
        first: &[
            Say("Reading db/0001_orders.sql"),
            Think(240),
            Create(
                "db/0002_orders_by_customer.sql",
                "CREATE INDEX orders_by_customer ON orders (customer);\n",
            ),
            Think(120),
        ],
        again: None,
        micros: 22_900,
        summary: "A migration adds an index on the customer.",
    },
    Script {
        issue: 4,
        first: &[
            Say("Reading api/payments.py"),
            Think(200),
            Say("Adding refund_order"),
            Append(
                "api/payments.py",
                "\n\n@route(\"POST /orders/<number>/refund\")\ndef refund_order(number):\n    return PAID.pop(number)\n",
            ),
            Think(150),
        ],
        again: Some((
            "api/payments.py",
            "def refund_order",
            &[
                Say("The check wants a test: adding it"),
                Think(180),
                Replace(
                    "tests/test_payments.py",
                    "import pay_order",
                    "import pay_order, refund_order",
                ),
                Append(
                    "tests/test_payments.py",
                    "\n\ndef test_refund_order():\n    assert refund_order(1) == 1200\n",
                ),
            ],
        )),
        micros: 63_700,
        summary: "A refund gives back what was paid.",
    },
    Script {
        issue: 5,
        first: &[
            Say("Reading deploy/Dockerfile"),
            Think(210),
            Replace("deploy/Dockerfile", "python:latest", "python:3.13-slim"),
        ],
        again: None,
        micros: 12_400,
        summary: "The base of the image is pinned.",
    },
    Script {
        issue: 6,
        first: &[
            Say("Reading README.md"),
            Think(260),
            Append(
                "README.md",
                "\n## House rules\n\nHandlers have tests, classes have styles, migrations are numbered, links lead somewhere.\n",
            ),
            Think(140),
        ],
        again: None,
        micros: 18_800,
        summary: "The README names the house rules.",
    },
    Script {
        issue: 7,
        first: &[
            Say("Reading README.md"),
            Think(230),
            Append(
                "README.md",
                "\n## Image\n\n    docker build -f deploy/Dockerfile -t tea-shop .\n",
            ),
            Think(110),
        ],
        again: None,
        micros: 17_500,
        summary: "The README says how to build the image.",
    },
    Script {
        issue: 8,
        first: &[
            Say("Reading api/session.py"),
            Think(190),
            Replace(
                "api/session.py",
                "SameSite=Lax",
                "SameSite=Lax; Secure; HttpOnly",
            ),
            Think(130),
        ],
        again: None,
        micros: 28_600,
        summary: "The session cookie is sent over https only, and hidden from scripts.",
    },
    Script {
        issue: 9,
        first: &[
            Say("Reading api/prices.py"),
            Think(220),
            Append(
                "tests/test_prices.py",
                "\n\ndef test_share_with_a_rest():\n    assert share(1000, 3) == [334, 333, 333]\n",
            ),
            Think(150),
        ],
        again: None,
        micros: 31_100,
        summary: "A price that does not divide evenly is covered.",
    },
    Script {
        issue: 10,
        first: &[
            Say("Reading web/about.html"),
            Think(200),
            Say("It has a title already"),
        ],
        again: None,
        micros: 6_900,
        summary: "web/about.html has had a title all along; there is nothing to change.",
    },
    Script {
        issue: 11,
        first: &[
            Say("Reading api/greetings.py"),
            Think(160),
            Append("api/greetings.py", "\n\ndef greet_again(name):\n"),
            Think(90),
            Crash("the connection to the model was lost"),
        ],
        again: Some((
            "api/greetings.py",
            "def greet_again",
            &[
                Say("Going on with greet_again"),
                Think(170),
                Append("api/greetings.py", "\n\ndef greet_again(name):\n"),
                Append(
                    "api/greetings.py",
                    "    return f\"Good to see you again, {name}!\"\n",
                ),
                Append(
                    "tests/test_greetings.py",
                    "\n\ndef test_greet_again():\n    assert greet_again(\"Ada\") == \"Good to see you again, Ada!\"\n",
                ),
                Replace(
                    "tests/test_greetings.py",
                    "import greet\n",
                    "import greet, greet_again\n",
                ),
            ],
        )),
        micros: 35_400,
        summary: "Customers who come back are greeted as such.",
    },
    Script {
        issue: 12,
        first: &[
            Say("Reading docs/api.md"),
            Think(180),
            Append(
                "docs/api.md",
                "* `POST /orders/<number>/cancel` cancels it, unless it was sent.\n",
            ),
            Think(120),
        ],
        again: None,
        micros: 19_300,
        summary: "The guide describes cancelling.",
    },
];
