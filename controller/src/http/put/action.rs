//! What a PUT of an action says, and what comes of it: parsing, limits, merging.
//!
//! Source: `rest-api.md` §§3.2–3.5.

use model::action::{Action, Code, Exec, Version, is_base64};
use model::id::Digest;
use model::json::{Json, Kind};
use model::limits::{ActionLimits, Bounds, MAX_CODE, NamespaceLimits, OutOfBounds};
use model::name::{Namespace, QualifiedName};
use model::parameters::Parameters;
use model::time::{Millis, WallTime};

use super::{
    Invalid, check_annotations, check_parameters, check_size, parse_flag, parse_name,
    parse_parameters, parse_version,
};
use crate::http::body::{BadBody, malformed};
use crate::runtimes::Runtimes;

/// The body of a PUT.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// What it runs.
    pub exec: Option<PutExec>,
    /// Replace the stored ones.
    pub parameters: Option<Parameters>,
    /// Merged with the stored ones.
    pub annotations: Option<Parameters>,
    /// Merged with the stored ones.
    pub limits: PutLimits,
    /// Instead of the next one.
    pub version: Option<Version>,
    /// As it is.
    pub publish: Option<bool>,
    /// Annotations to remove.
    pub remove: Vec<String>,
}

/// What an action is to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PutExec {
    /// Code of a kind.
    Code {
        /// The kind: concrete, or to be found out by inspection.
        kind: String,
        /// Whether inspection finds out, and checks, what it is.
        inspected: bool,
        /// The text that was sent.
        code: Option<String>,
        /// What to call.
        main: Option<String>,
        /// The container image.
        image: Option<String>,
    },
    /// Other actions.
    Sequence(Vec<QualifiedName>),
}

/// The limits that were given, not yet held against any bounds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PutLimits {
    timeout: Option<Whole>,
    memory: Option<Whole>,
    logs: Option<Whole>,
    concurrency: Option<Whole>,
    instances: Option<Whole>,
}

/// A whole number as it was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Whole {
    Is(i128),
    /// So far out that it has no value here.
    Beyond {
        text: String,
        negative: bool,
    },
}

impl Put {
    /// Reads the body of a PUT by a caller whose namespace is `own`.
    ///
    /// # Errors
    /// [`BadBody::Malformed`], in the words of the contract.
    pub fn parse(body: &Json, own: &Namespace, runtimes: &Runtimes) -> Result<Self, BadBody> {
        let members = body.members().ok_or_else(|| malformed("Object expected in field 'exec'"))?;
        let member = |name: &str| {
            let found = members.iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value).filter(|value| value.kind() != Kind::Null)
        };
        Ok(Self {
            exec: member("exec").map(|exec| parse_exec(exec, own, runtimes)).transpose()?,
            parameters: member("parameters").map(parse_parameters).transpose()?,
            limits: member("limits").map(parse_limits).transpose()?.unwrap_or_default(),
            version: member("version").map(parse_version).transpose()?,
            publish: member("publish").map(parse_flag).transpose()?,
            annotations: member("annotations").map(parse_parameters).transpose()?,
            remove: member("delAnnotations").map(parse_texts).transpose()?.unwrap_or_default(),
        })
    }

    /// Whether its parts are within their sizes.
    ///
    /// # Errors
    /// [`Invalid::TooLarge`].
    pub fn check_sizes(&self, limits: &NamespaceLimits) -> Result<(), Invalid> {
        if let Some(exec) = &self.exec {
            check_size("exec", exec.size(), MAX_CODE)?;
        }
        check_parameters(self.parameters.as_ref(), limits)?;
        check_annotations(self.annotations.as_ref())
    }

    /// Whether what it gives is within the bounds of the namespace, and says something.
    ///
    /// # Errors
    /// [`Invalid::OutOfBounds`], [`Invalid::Retry`], [`Invalid::Driver`].
    pub fn check_values(&self, limits: &NamespaceLimits) -> Result<(), Invalid> {
        self.limits.check(limits)?;
        let Some(annotations) = &self.annotations else { return Ok(()) };
        if annotations.get("retry").is_some_and(|retry| !is_retry(retry)) {
            return Err(Invalid::Retry);
        }
        let driver = annotations.get("driver").map(|driver| driver.text());
        match driver {
            None => Ok(()),
            Some(Some(driver)) if driver == "wasm" || driver == "docker" => Ok(()),
            Some(_) => Err(Invalid::Driver),
        }
    }

    /// Whether what results, if it is a sequence, was given limits that it cannot have.
    ///
    /// # Errors
    /// [`Invalid::SequenceLimit`].
    pub fn check_sequence_limits(&self) -> Result<(), Invalid> {
        let usual = ActionLimits::default();
        let is_not = |given: &Option<Whole>, usual: u32| {
            given.as_ref().is_some_and(|given| *given != Whole::Is(usual.into()))
        };
        if is_not(&self.limits.memory, usual.memory) {
            return Err(Invalid::SequenceLimit("memory"));
        }
        if is_not(&self.limits.concurrency, usual.concurrency) {
            return Err(Invalid::SequenceLimit("concurrency"));
        }
        if self.limits.instances.is_some() {
            return Err(Invalid::SequenceLimit("instances"));
        }
        Ok(())
    }

    /// The action that results: a new one, or `stored` as it is changed. `kind` and `code` are what
    /// inspection and the blob store made of its code.
    ///
    /// # Errors
    /// [`Invalid::NoExec`].
    pub fn merged(
        &self,
        stored: Option<&Action>,
        found: Option<(&str, Option<Digest>)>,
        now: WallTime,
    ) -> Result<Action, Invalid> {
        let exec = match (&self.exec, stored) {
            (Some(given), _) => given.stored(found),
            (None, Some(stored)) => stored.exec.clone(),
            (None, None) => return Err(Invalid::NoExec),
        };
        let limits = self.limits_over(stored, &exec);
        let annotations = self.annotations_over(stored, exec.kind());
        let parameters = self.parameters_over(stored, &exec);
        let version = match (self.version, stored) {
            (Some(given), _) => given,
            (None, Some(stored)) => stored.version.bumped(),
            (None, None) => Version::default(),
        };
        let publish = self.publish.unwrap_or_else(|| stored.is_some_and(|stored| stored.publish));
        Ok(Action { exec, parameters, annotations, limits, version, publish, updated: now })
    }

    /// The limits that result.
    #[must_use]
    pub fn limits_over(&self, stored: Option<&Action>, exec: &Exec) -> ActionLimits {
        let mut limits = stored.map(|stored| stored.limits).unwrap_or_default();
        let given = &self.limits;
        let small = |given: &Option<Whole>, kept: u32| {
            let given = given.as_ref().and_then(Whole::value);
            given.and_then(|given| u32::try_from(given).ok()).unwrap_or(kept)
        };
        limits.logs = small(&given.logs, limits.logs);
        let timeout = given.timeout.as_ref().and_then(Whole::value);
        if let Some(timeout) = timeout.and_then(|timeout| u64::try_from(timeout).ok()) {
            limits.timeout = Millis(timeout);
        }
        if let Exec::Sequence(_) = exec {
            let ActionLimits { memory, concurrency, instances, .. } = ActionLimits::default();
            return ActionLimits { memory, concurrency, instances, ..limits };
        }
        limits.memory = small(&given.memory, limits.memory);
        limits.concurrency = small(&given.concurrency, limits.concurrency);
        if let Some(instances) = &given.instances {
            limits.instances = instances.value().and_then(|value| u32::try_from(value).ok());
        }
        limits
    }

    fn annotations_over(&self, stored: Option<&Action>, kind: &str) -> Parameters {
        let empty = Parameters::default();
        let given = self.annotations.as_ref().unwrap_or(&empty);
        let mut annotations = match stored {
            None => {
                let mut annotations = given.clone();
                if annotations.get("provide-api-key").is_none() {
                    annotations.set_value("provide-api-key", Json::of(&false));
                }
                annotations
            }
            Some(stored) => {
                let mut kept = stored.annotations.clone();
                self.remove.iter().for_each(|key| kept.remove(key));
                kept.merged_with(given)
            }
        };
        annotations.set_value("exec", Json::string(kind));
        annotations
    }

    fn parameters_over(&self, stored: Option<&Action>, exec: &Exec) -> Parameters {
        if let Exec::Sequence(components) = exec {
            let mut parameters = Parameters::default();
            parameters.set_value("_actions", Json::of(components));
            return parameters;
        }
        match (&self.parameters, stored) {
            (Some(given), _) => given.clone(),
            (None, Some(Action { exec: Exec::Code { .. }, parameters, .. })) => parameters.clone(),
            // What a sequence had are not its own.
            (None, Some(Action { exec: Exec::Sequence(_), .. }) | None) => Parameters::default(),
        }
    }
}

impl PutExec {
    /// The kind as it was asked for; `sequence` for a sequence.
    #[must_use]
    pub fn kind(&self) -> &str {
        match self {
            Self::Code { kind, .. } => kind,
            Self::Sequence(_) => "sequence",
        }
    }

    /// Bytes, as the contract counts them.
    fn size(&self) -> u64 {
        let bytes = match self {
            Self::Code { code, main, image, .. } => {
                [code, main, image].into_iter().flatten().map(String::len).sum::<usize>()
            }
            Self::Sequence(components) => {
                components.iter().map(|name| name.to_string().len() + 1).sum()
            }
        };
        bytes as u64
    }

    /// As it is stored.
    #[must_use]
    pub fn stored(&self, found: Option<(&str, Option<Digest>)>) -> Exec {
        match self {
            Self::Sequence(components) => {
                Exec::Sequence(components.iter().map(|name| format!("/{name}")).collect())
            }
            Self::Code { kind, code, main, image, .. } => {
                let digest = found.and_then(|(_, digest)| digest);
                let code = code.as_ref().zip(digest).map(|(code, digest)| Code {
                    digest,
                    length: code.len() as u64,
                    binary: is_base64(code),
                });
                Exec::Code {
                    kind: found.map_or(kind.as_str(), |(kind, _)| kind).to_owned(),
                    code,
                    main: main.clone(),
                    image: image.clone(),
                }
            }
        }
    }
}

impl PutLimits {
    /// Those that were given, memory before time.
    fn check(&self, limits: &NamespaceLimits) -> Result<(), OutOfBounds> {
        let NamespaceLimits { memory, timeout, logs, concurrency, .. } = limits;
        check(self.memory.as_ref(), *memory, "memory size", " MB")?;
        check(self.timeout.as_ref(), *timeout, "duration", " milliseconds")?;
        check(self.logs.as_ref(), *logs, "log size", " MB")?;
        check(self.concurrency.as_ref(), *concurrency, "concurrency", "")?;
        let most = limits.concurrent_invocations;
        match &self.instances {
            Some(Whole::Is(instances)) if *instances <= i128::from(most) => Ok(()),
            Some(_) => Err(OutOfBounds::Instances(most)),
            None => Ok(()),
        }
    }
}

fn check(
    given: Option<&Whole>,
    bounds: Bounds,
    what: &'static str,
    unit: &'static str,
) -> Result<(), OutOfBounds> {
    match given {
        None => Ok(()),
        Some(Whole::Is(asked)) => bounds.check(*asked, what, unit),
        Some(Whole::Beyond { text, negative }) => {
            let asked = text.clone();
            Err(if *negative {
                OutOfBounds::Below { what, asked, bound: bounds.min, unit }
            } else {
                OutOfBounds::Above { what, asked, bound: bounds.max, unit }
            })
        }
    }
}

impl Whole {
    fn value(&self) -> Option<i128> {
        match self {
            Self::Is(value) => Some(*value),
            Self::Beyond { .. } => None,
        }
    }

    fn is_negative(&self) -> bool {
        match self {
            Self::Is(value) => *value < 0,
            Self::Beyond { negative, .. } => *negative,
        }
    }

    /// `None` if the number has a fraction.
    fn parse(text: &str) -> Option<Self> {
        let (mantissa, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let negative = mantissa.starts_with('-');
        let mantissa = mantissa.trim_start_matches('-');
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let all = format!("{whole}{fraction}");
        let digits = all.trim_start_matches('0');
        let kept = digits.trim_end_matches('0');
        if kept.is_empty() {
            return Some(Self::Is(0));
        }
        let beyond = || Self::Beyond { text: text.to_owned(), negative };
        let tiny = exponent.starts_with('-');
        let Ok(exponent) = exponent.trim_start_matches('+').parse::<i64>() else {
            return (!tiny).then(beyond);
        };
        let shift = i64::try_from(digits.len() - kept.len())
            .ok()?
            .checked_sub(i64::try_from(fraction.len()).ok()?)?
            .saturating_add(exponent);
        if shift < 0 {
            return None;
        }
        let value = u32::try_from(shift)
            .ok()
            .and_then(|shift| 10_i128.checked_pow(shift))
            .zip(kept.parse::<i128>().ok())
            .and_then(|(scale, kept)| kept.checked_mul(scale));
        Some(value.map_or_else(beyond, |value| Self::Is(if negative { -value } else { value })))
    }
}

fn is_retry(retry: &Json) -> bool {
    retry
        .member("attempts")
        .and_then(|attempts| attempts.as_str().parse::<u8>().ok())
        .is_some_and(|attempts| (2..=10).contains(&attempts))
}

fn parse_texts(given: &Json) -> Result<Vec<String>, BadBody> {
    let elements = given.elements().ok_or_else(|| {
        malformed(format!("Expected Array as JsArray, but got {}", given.as_str()))
    })?;
    let text = |element: &Json| {
        element.text().ok_or_else(|| {
            malformed(format!("Expected String as JsString, but got {}", element.as_str()))
        })
    };
    elements.iter().map(text).collect()
}

fn parse_limits(given: &Json) -> Result<PutLimits, BadBody> {
    let members = given.members().ok_or_else(|| malformed("Object expected in field 'timeout'"))?;
    let number = |name: &str, bad: &'static str, fraction: &'static str| {
        let found = members.iter().find(|(known, _)| known == name).map(|(_, value)| value);
        match found.filter(|value| value.kind() != Kind::Null) {
            None => Ok(None),
            Some(value) if value.kind() == Kind::Number => {
                let whole = Whole::parse(value.as_str());
                whole.map(Some).ok_or_else(|| malformed(fraction))
            }
            Some(_) => Err(malformed(bad)),
        }
    };
    let limits = PutLimits {
        timeout: number(
            "timeout",
            "time limit malformed",
            "requirement failed: time limit must be whole number",
        )?,
        memory: number(
            "memory",
            "memory limit malformed",
            "requirement failed: memory limit must be whole number",
        )?,
        logs: number(
            "logs",
            "log limit malformed",
            "requirement failed: log limit must be whole number",
        )?,
        concurrency: number(
            "concurrency",
            "concurrency limit malformed",
            "requirement failed: intra concurrency limit must be whole number",
        )?,
        instances: number(
            "instances",
            "instance concurrency limit malformed",
            "instance concurrency limit malformed",
        )?,
    };
    if limits.logs.as_ref().is_some_and(Whole::is_negative) {
        let text = "requirement failed: a negative size of an object is not allowed.";
        return Err(malformed(text));
    }
    if limits.instances.as_ref().is_some_and(Whole::is_negative) {
        let text = "requirement failed: Action container concurrency must be greater than or \
                    equal to 0.";
        return Err(malformed(text));
    }
    Ok(limits)
}

fn parse_exec(given: &Json, own: &Namespace, runtimes: &Runtimes) -> Result<PutExec, BadBody> {
    let members = given.members().ok_or_else(|| malformed("JSON object expected"))?;
    let member =
        |name: &str| members.iter().find(|(known, _)| known == name).map(|(_, value)| value);
    let kind = member("kind").and_then(Json::text);
    let kind = kind.ok_or_else(|| malformed("'kind' must be a string defined in 'exec'"))?;
    let kind = kind.trim().to_lowercase();
    let main = || match member("main").map(|main| (main.text(), main)) {
        None => Ok(None),
        Some((Some(main), _)) => Ok(Some(main)),
        Some((None, _)) => {
            Err(malformed(format!("if defined, 'main' be a string in 'exec' for '{kind}' actions")))
        }
    };
    match kind.as_str() {
        "sequence" => parse_sequence(member("components"), own),
        "blackbox" => {
            let image = member("image").and_then(Json::text).ok_or_else(|| {
                malformed("'image' must be a string defined in 'exec' for 'blackbox' actions")
            })?;
            if !is_image(&image) {
                return Err(malformed("could not parse image name"));
            }
            let code = member("code").map(parse_code).transpose()?;
            let code = code.filter(|code| !code.trim().is_empty());
            let main = main()?;
            Ok(PutExec::Code { kind, inspected: false, code, main, image: Some(image) })
        }
        _ => {
            let known =
                runtimes.resolve(&kind).ok_or_else(|| malformed(runtimes.unknown(&kind)))?;
            let jar = || member("jar").filter(|_| known.family == "java");
            let code = member("code").or_else(jar).ok_or_else(|| {
                malformed(format!(
                    "'code' must be a string or attachment object defined in 'exec' for '{kind}' \
                     actions"
                ))
            })?;
            let code = Some(parse_code(code)?);
            let main = main()?;
            if main.is_none() && known.require_main {
                return Err(malformed(format!(
                    "'main' must be a string defined in 'exec' for '{kind}' actions"
                )));
            }
            let inspected = known.inspected;
            let kind = if inspected { kind } else { known.kind.clone() };
            Ok(PutExec::Code { kind, inspected, code, main, image: None })
        }
    }
}

fn parse_code(given: &Json) -> Result<String, BadBody> {
    given.text().ok_or_else(|| {
        malformed(format!("Could not deserialize as attachment record: {}", given.as_str()))
    })
}

fn parse_sequence(components: Option<&Json>, own: &Namespace) -> Result<PutExec, BadBody> {
    let components = components
        .ok_or_else(|| malformed("'components' must be defined for sequence kind"))?
        .elements()
        .ok_or_else(|| malformed("'components' must be an array"))?;
    let names: Result<Vec<_>, _> = components.iter().map(|name| parse_name(name, own)).collect();
    Ok(PutExec::Sequence(names?))
}

/// `[host[:port]/]path[:tag]`, the path in lower case.
fn is_image(image: &str) -> bool {
    let (image, digest) = image.split_once('@').map_or((image, None), |(i, d)| (i, Some(d)));
    if digest.is_some_and(|digest| !digest.starts_with("sha256:")) {
        return false;
    }
    let (host, path) = match image.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => {
            (Some(host), path)
        }
        _ => (None, image),
    };
    let word = |text: &str, also: &str, upper: bool| {
        let fits = |c: char| {
            c.is_ascii_lowercase()
                || c.is_ascii_digit()
                || also.contains(c)
                || (upper && c.is_ascii_uppercase())
        };
        !text.is_empty() && text.chars().all(fits)
    };
    let host_is_good = host.is_none_or(|host| match host.split_once(':') {
        None => word(host, ".-", true),
        Some((host, port)) => word(host, ".-", true) && port.parse::<u16>().is_ok(),
    });
    let (path, tag) = path.split_once(':').map_or((path, None), |(path, tag)| (path, Some(tag)));
    host_is_good
        && tag.is_none_or(|tag| tag.len() <= 128 && word(tag, "_.-", true))
        && path.split('/').all(|part| word(part, "._-", false))
}

#[cfg(test)]
mod tests;
