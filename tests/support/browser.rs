//! A real browser, led through `WebDriver`: Chromium without a screen, what its pages look like, and what it complains of.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long anything that is waited for may take.
const PATIENCE: Duration = Duration::from_secs(40);

/// Width and height of a window.
pub(crate) type Window = (u32, u32);
pub(crate) const PHONE: Window = (390, 844);
pub(crate) const DESK: Window = (1300, 900);

/// What axe-core finds, as lines: how bad, which rule, where. Words alone leave the page.
const JUDGE: &str = "const done = arguments[arguments.length - 1];
    axe.run(document, { resultTypes: ['violations'], preload: false }).then(
        (found) => done(found.violations.map((one) => `${one.impact} ${one.id}: ${one.nodes.map((node) => node.html + ' ' + node.failureSummary).join(' | ')}`)),
        (error) => done(['critical: ' + error]),
    );";

/// One window of a browser of its own.
pub(crate) struct Browser {
    client: Client,
    vendor: reqwest::Client,
    driver: Driver,
}

impl Browser {
    /// A new one, as if nobody had ever used it.
    pub(crate) async fn start(window: Window) -> Self {
        let mut driver = Driver::start();
        let options = json!({
            "binary": program("AUTOISSUE_TEST_CHROMIUM").to_str().unwrap(),
            "args": ["--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--hide-scrollbars", "--lang=en"],
        });
        let Value::Object(wanted) = json!({
            "browserName": "chrome",
            // Who signs certificates here no browser knows.
            "acceptInsecureCerts": true,
            "goog:chromeOptions": options,
            "goog:loggingPrefs": { "browser": "ALL" },
        }) else {
            unreachable!("an object is one")
        };
        let mut builder = ClientBuilder::new(HttpConnector::new());
        let client = builder.capabilities(wanted).connect(&driver.url()).await;
        let client = client.expect("chromedriver starts Chromium");
        driver.session = client.session_id().await.unwrap();
        let browser = Self {
            client,
            vendor: reqwest::Client::new(),
            driver,
        };
        browser.resize(window).await;
        browser
    }

    /// Shows pages in this size from here on; a window itself is never narrower than 500.
    pub(crate) async fn resize(&self, (width, height): Window) {
        let size =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.devtools("Emulation.setDeviceMetricsOverride", size)
            .await;
    }

    /// As if the person preferred this: `light` or `dark`.
    pub(crate) async fn prefer(&self, scheme: &str) {
        let feature = json!({ "name": "prefers-color-scheme", "value": scheme });
        self.devtools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [feature] }),
        )
        .await;
    }

    /// Runs no script of any page from here on.
    pub(crate) async fn without_scripts(&self) {
        let off = json!({ "value": true });
        self.devtools("Emulation.setScriptExecutionDisabled", off)
            .await;
    }

    pub(crate) async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    /// Waits until there is such an element.
    pub(crate) async fn see(&self, xpath: &str) {
        let found = self.client.wait().at_most(PATIENCE);
        if let Err(error) = found.for_element(Locator::XPath(xpath)).await {
            panic!("{xpath} never came: {error}\n{}", self.text().await);
        }
    }

    /// Waits for it, and clicks it. A page that changes meanwhile is looked at anew.
    pub(crate) async fn click(&self, xpath: &str) {
        for _ in 0..20 {
            self.see(xpath).await;
            let found = self.client.find(Locator::XPath(xpath)).await;
            let clicked = match found {
                Ok(element) => element.click().await,
                Err(error) => Err(error),
            };
            match clicked {
                Ok(()) => return,
                Err(error) if error.is_stale_element_reference() || error.is_no_such_element() => {}
                Err(error) => panic!("{xpath}: {error}"),
            }
        }
        panic!("{xpath} changes all the time");
    }

    /// Waits until the address does not end like this any more.
    pub(crate) async fn leave(&self, end: &str) {
        let until = Instant::now() + PATIENCE;
        while self
            .client
            .current_url()
            .await
            .unwrap()
            .as_str()
            .ends_with(end)
        {
            assert!(Instant::now() < until, "it stays at {end}");
        }
    }

    /// All that the page says.
    pub(crate) async fn text(&self) -> String {
        let body = self.client.find(Locator::Css("body")).await.unwrap();
        body.text().await.unwrap()
    }

    /// Has a script of the test's, in the page, whatever the page's policy says.
    pub(crate) async fn execute(&self, script: &str) -> Value {
        self.client.execute(script, Vec::new()).await.unwrap()
    }

    /// What axe-core has against the page and is serious or worse.
    pub(crate) async fn faults(&self) -> Vec<String> {
        let axe = program("AUTOISSUE_TEST_AXE");
        self.execute(&std::fs::read_to_string(axe).unwrap()).await;
        let found = self.client.execute_async(JUDGE, Vec::new()).await.unwrap();
        let found = found.as_array().unwrap().iter();
        let lines = found.map(|line| line.as_str().unwrap().to_owned());
        lines
            .filter(|line| line.starts_with("serious") || line.starts_with("critical"))
            .collect()
    }

    /// By how many pixels the page is wider than its window.
    pub(crate) async fn sticks_out(&self) -> i64 {
        let script =
            "return document.documentElement.scrollWidth - document.documentElement.clientWidth";
        self.execute(script).await.as_i64().unwrap()
    }

    /// What the browser complained of since this was last asked.
    pub(crate) async fn complaints(&self) -> Vec<String> {
        let entries = self.ask("se/log", &json!({ "type": "browser" })).await;
        let entries = entries.as_array().unwrap().iter();
        let bad = entries.filter(|entry| ["SEVERE", "WARNING"].contains(&level(entry)));
        bad.map(|entry| entry["message"].as_str().unwrap().to_owned())
            .collect()
    }

    /// What is to be seen, as PNG.
    pub(crate) async fn picture(&self) -> Vec<u8> {
        let seen = json!({ "format": "png", "optimizeForSpeed": false });
        let taken = self.devtools("Page.captureScreenshot", seen).await;
        STANDARD.decode(taken["data"].as_str().unwrap()).unwrap()
    }

    async fn devtools(&self, command: &str, params: Value) -> Value {
        let body = json!({ "cmd": command, "params": params });
        self.ask("goog/cdp/execute", &body).await
    }

    /// What `WebDriver` itself has no command for.
    async fn ask(&self, what: &str, body: &Value) -> Value {
        let session = self.driver.session.as_deref().unwrap();
        let url = format!("{}/session/{session}/{what}", self.driver.url());
        let answer = self.vendor.post(url).json(body).send().await.unwrap();
        let answer: Value = answer.json().await.unwrap();
        assert!(answer["value"]["error"].is_null(), "{what}: {answer}");
        answer["value"].clone()
    }
}

fn level(entry: &Value) -> &str {
    entry["level"].as_str().unwrap_or_default()
}

/// Where `tests/run` put it.
fn program(variable: &str) -> PathBuf {
    let path = std::env::var_os(variable).unwrap_or_default();
    assert!(
        Path::new(&path).is_file(),
        "{variable} names no file: run the tests by `tests/run`, which installs what they need"
    );
    path.into()
}

/// A chromedriver of this test's; its browser ends with it, also where the test fails.
struct Driver {
    child: Child,
    port: u16,
    session: Option<String>,
}

impl Driver {
    fn start() -> Self {
        let mut command = Command::new(program("AUTOISSUE_TEST_CHROMEDRIVER"));
        command.arg("--port=0").stdin(Stdio::null());
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        let mut lines = said.lines().map(Result::unwrap);
        let port = lines.find_map(|line| {
            let (_, port) = line.split_once("started successfully on port ")?;
            port.trim_end_matches('.').parse().ok()
        });
        // Whoever writes to a pipe that nobody reads is killed.
        std::thread::spawn(move || lines.for_each(drop));
        Self {
            child,
            port: port.expect("chromedriver says its port"),
            session: None,
        }
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Ends the browser: asked without a runtime, which a failed test has no more.
    fn close(&self) -> std::io::Result<()> {
        let Some(session) = &self.session else {
            return Ok(());
        };
        let mut stream = TcpStream::connect(("127.0.0.1", self.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        write!(
            stream,
            "DELETE /session/{session} HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            self.port
        )?;
        stream.read(&mut [0; 64]).map(drop)
    }
}

impl Drop for Driver {
    fn drop(&mut self) {
        // It may be gone already.
        drop(self.close());
        drop(self.child.kill());
        drop(self.child.wait());
    }
}
