//! Backups.

use api::admin;
use model::json::{Json, Kind};

use super::body::unknown;
use super::{Api, Asked, Error};
use crate::backup::{Backup, State};
use crate::http::body::{BadBody, Incoming, malformed};
use crate::http::respond::Answer;

impl Api {
    pub(super) async fn start_backup(
        &self,
        asked: &Asked<'_>,
        body: Incoming,
    ) -> Result<Answer, Error> {
        let folder = folder(&self.object(asked, body).await?)?;
        let backups = std::sync::Arc::clone(&self.controller.backups);
        let started = tokio::task::spawn_blocking(move || backups.start(&folder));
        let started = started.await.map_err(|_| Error::NotFound)??;
        Ok(Answer::admin_accepted(&shown(&started)))
    }

    pub(super) fn get_backup(&self, id: &str) -> Result<Answer, Error> {
        let number = id.strip_prefix('b').and_then(|number| number.parse().ok());
        let found = number.and_then(|number| self.controller.backups.get(number));
        Ok(Answer::admin(&shown(&found.ok_or(Error::NotFound)?)))
    }
}

fn folder(body: &Json) -> Result<String, BadBody> {
    let mut folder = None;
    for (name, value) in body.members().unwrap_or_default() {
        if name != "folder" {
            return Err(unknown(&name, ["folder"]));
        }
        folder = value.text().filter(|_| value.kind() == Kind::String);
    }
    folder.ok_or_else(|| malformed("'folder' must be a string."))
}

fn shown(backup: &Backup) -> admin::Backup {
    let shown = |state: &str, done| admin::Backup {
        backup: format!("b{}", backup.number),
        state: state.to_owned(),
        done,
        offset: None,
        bytes: None,
        error: None,
    };
    match &backup.state {
        State::Running(percent) => shown("running", Some(*percent)),
        State::Done { offset, bytes } => admin::Backup {
            offset: Some(offset.0),
            bytes: Some(bytes.as_u64()),
            ..shown("done", Some(100))
        },
        State::Failed(error) => {
            admin::Backup { error: Some(error.clone()), ..shown("failed", None) }
        }
    }
}
