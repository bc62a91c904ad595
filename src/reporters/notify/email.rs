//! Mail: plain text to an SMTP server, over TLS (RFC 5321, RFC 3207, RFC 8314).

use crate::reporters::notify::channel::{Again, Message, Refused};
use crate::rules::notice::text;
use crate::rules::printable::clip;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, MessageBuilder};
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message as Mail, Tokio1Executor};
use secrecy::{ExposeSecret, SecretString};
use std::time::Duration;

/// UTF-16 units of a text; nobody reads more.
const MOST: usize = 20_000;
/// Characters of an answer that are told.
const TOLD: usize = 200;

/// An SMTP server, and the mailboxes that it takes mail for.
pub struct Email {
    server: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    to: Vec<Mailbox>,
    each: Duration,
}

/// How the server is reached.
pub struct Server {
    /// Its name.
    pub name: String,
    /// Its port; the usual one where it is left out.
    pub port: Option<u16>,
    /// How the way there is kept secret.
    pub tls: Secrecy,
    /// Certificates (PEM) that its own may be signed by, besides those that the system trusts.
    pub ca: Option<Vec<u8>>,
    /// The user and the password, where it asks for them.
    pub login: Option<(String, SecretString)>,
}

/// How mail is kept secret on its way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Secrecy {
    /// TLS after a first exchange without, or nothing is sent.
    Starttls,
    /// TLS from the first byte.
    Implicit,
    /// Not at all.
    None,
}

impl Email {
    /// From this address to those, by this server. No try takes longer than `each`.
    pub fn new(server: Server, from: &str, to: &[String], each: Duration) -> Result<Self, Refused> {
        let to: Result<Vec<Mailbox>, Refused> = to.iter().map(|to| mailbox(to, "to")).collect();
        Ok(Self {
            server: transport(server, each)?,
            from: mailbox(from, "from")?,
            to: to?,
            each,
        })
    }

    /// Tells this, once.
    pub async fn tell(&self, message: &Message) -> Result<(), Refused> {
        let mail = self.mail(message)?;
        // Its own limit is for each step, of which there are many.
        match tokio::time::timeout(self.each, self.server.send(mail)).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(refused(&error)),
            Err(_) => Err(Refused {
                problem: "it does not answer in time".to_owned(),
                hint: Some(
                    "look at notify.email.server, port and tls: with `implicit` the port is 465, with `starttls` 587",
                ),
                again: Again::Soon,
            }),
        }
    }

    fn mail(&self, message: &Message) -> Result<Mail, Refused> {
        let mut mail: MessageBuilder = Mail::builder()
            .from(self.from.clone())
            .subject(format!("[autoissue] {}", text::subject(&message.notices)))
            .header(ContentType::TEXT_PLAIN)
            // No absence is announced to a program (RFC 3834, section 5).
            .raw_header(HeaderValue::new(
                HeaderName::new_from_ascii_str("Auto-Submitted"),
                "auto-generated".to_owned(),
            ));
        for to in &self.to {
            mail = mail.to(to.clone());
        }
        let body = text::plain(&message.notices, MOST) + "\n";
        mail.body(body)
            .map_err(|error| Refused::for_good(format!("cannot write the mail: {error}"), None))
    }
}

fn mailbox(address: &str, key: &str) -> Result<Mailbox, Refused> {
    let parsed: Result<Address, _> = address.parse();
    let unusable = |_| {
        Refused::for_good(
            format!("notify.email.{key} has an address that is none"),
            None,
        )
    };
    Ok(Mailbox::new(None, parsed.map_err(unusable)?))
}

fn transport(
    server: Server,
    each: Duration,
) -> Result<AsyncSmtpTransport<Tokio1Executor>, Refused> {
    let parameters = || {
        let mut parameters = TlsParameters::builder(server.name.clone());
        for certificate in certificates(server.ca.as_deref())? {
            parameters = parameters.add_root_certificate(certificate);
        }
        parameters.build_rustls().map_err(|error| refused(&error))
    };
    let (tls, port) = match server.tls {
        Secrecy::Starttls => (Tls::Required(parameters()?), 587),
        Secrecy::Implicit => (Tls::Wrapper(parameters()?), 465),
        Secrecy::None => (Tls::None, 25),
    };
    let mut transport = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(server.name)
        .port(server.port.unwrap_or(port))
        .tls(tls)
        // What this machine is called is nobody's business.
        .hello_name(ClientId::Domain("localhost".to_owned()))
        .timeout(Some(each));
    if let Some((user, password)) = server.login {
        let password = password.expose_secret().to_owned();
        transport = transport.credentials(Credentials::new(user, password));
    }
    Ok(transport.build())
}

/// One certificate after the other: a file may have several.
fn certificates(pem: Option<&[u8]>) -> Result<Vec<Certificate>, Refused> {
    const END: &str = "-----END CERTIFICATE-----";
    let none = || Refused::for_good("notify.email.caFile has no certificate in PEM form", None);
    let Some(pem) = pem else {
        return Ok(Vec::new());
    };
    let text = std::str::from_utf8(pem).map_err(|_| none())?;
    let blocks = text
        .split_inclusive(END)
        .filter(|block| block.ends_with(END));
    let all: Result<Vec<_>, _> = blocks
        .map(|block| Certificate::from_pem(block.as_bytes()))
        .collect();
    let all = all.map_err(|_| none())?;
    if all.is_empty() { Err(none()) } else { Ok(all) }
}

fn refused(error: &Error) -> Refused {
    let mut last: &dyn std::error::Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    let code = error
        .status()
        .map(|code| format!("{code}: "))
        .unwrap_or_default();
    let is_login = error
        .status()
        .is_some_and(|code| matches!(u16::from(code), 530 | 534 | 535));
    let hint = if is_login {
        Some(
            "look at notify.email.user and password; many servers want a password made for programs",
        )
    } else if error.is_tls()
        || ["certificate", "STARTTLS"]
            .iter()
            .any(|word| last.to_string().contains(word))
    {
        Some(
            "look at notify.email.tls and port; a certificate of your own goes into notify.email.caFile",
        )
    } else if error.is_response() || error.is_permanent() {
        None
    } else {
        Some("look at notify.email.server and port, and whether this machine gets there")
    };
    Refused {
        problem: clip(&format!("{code}{last}"), TOLD),
        hint,
        again: if error.is_permanent() || error.is_client() {
            Again::Never
        } else {
            Again::Soon
        },
    }
}
