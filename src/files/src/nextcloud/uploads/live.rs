//! Uploads that the program has in hand: who writes where, and the room that is kept for them.

use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::{Arc, Mutex, PoisonError};

use axum::http::StatusCode;
use uuid::Uuid;

use super::rows::{self, Row, Upload};
use crate::nextcloud::answer::{Fault, MISSING, Result};
use crate::storage::quota::Reservation;
use crate::storage::{Incoming, Storage, View};

/// All of them. Made anew from the database when the program starts again.
#[derive(Clone, Default)]
pub(crate) struct Live {
    all: Arc<Mutex<HashMap<Uuid, Shared>>>,
}

type Shared = Arc<tokio::sync::Mutex<State>>;

/// One of them. Whoever writes a part of it holds the lock.
pub(super) struct State {
    file: Arc<File>,
    kept: Option<Reservation>,
    /// How often a piece was begun: the last try alone may write.
    tries: HashMap<i32, u64>,
    closed: bool,
}

impl State {
    fn shared(file: File, kept: Reservation) -> Shared {
        let state = Self { file: Arc::new(file), kept: Some(kept), tries: HashMap::new(), closed: false };
        Arc::new(tokio::sync::Mutex::new(state))
    }
}

impl Live {
    /// A new upload, with room for the whole.
    pub(super) async fn begin(&self, view: &View, upload: &Upload) -> Result<()> {
        let kept = view.keep_room(&upload.path, upload.total.unwrap_or(0)).await?;
        let file = view.storage.pieces(upload.file(), true).await?;
        self.all().insert(upload.id, State::shared(file, kept));
        Ok(())
    }

    /// The upload, with room for the whole: it may be one that was begun before the program was.
    async fn of(&self, view: &View, upload: &Upload) -> Result<Shared> {
        if let Some(found) = self.all().get(&upload.id) {
            return Ok(found.clone());
        }
        let bytes = match upload.total {
            Some(total) => total,
            None => sum(&rows::pieces(view, upload).await?),
        };
        let kept = view.keep_room(&upload.path, bytes).await?;
        let file = view.storage.pieces(upload.file(), false).await?;
        // Two at a time: the first one's stays.
        Ok(self.all().entry(upload.id).or_insert_with(|| State::shared(file, kept)).clone())
    }

    fn all(&self) -> std::sync::MutexGuard<'_, HashMap<Uuid, Shared>> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A piece of `length` bytes begins to come.
    pub(super) async fn place(
        &self,
        view: &View,
        upload: &Upload,
        number: i32,
        length: u64,
    ) -> Result<Piece> {
        let shared = self.of(view, upload).await?;
        let mut state = shared.lock().await;
        if state.closed {
            return Err(MISSING);
        }
        let known = rows::pieces(view, upload).await?;
        let row = placed(&known, upload.total, number, length)?;
        if let (None, Some(kept)) = (upload.total, &mut state.kept) {
            let before = known.iter().find(|one| one.number == number).map_or(0, |one| one.length);
            view.keep_more(kept, &upload.path, length.saturating_sub(before)).await?;
        }
        rows::place(view, upload, &row).await?;
        let count = state.tries.entry(number).or_default();
        *count += 1;
        let (attempt, storage, id) = (*count, view.storage.clone(), upload.id);
        drop(state);
        Ok(Piece { storage, shared, upload: id, row, attempt, written: 0 })
    }

    /// A piece does not count any more.
    pub(super) async fn forget(&self, view: &View, upload: &Upload, number: i32) -> Result<()> {
        let shared = self.of(view, upload).await?;
        let mut state = shared.lock().await;
        *state.tries.entry(number).or_default() += 1;
        Ok(rows::forget(view, upload, number).await?)
    }

    /// The upload is given up.
    pub(super) async fn end(&self, view: &View, upload: &Upload) -> Result<()> {
        self.drop_state(upload.id).await;
        // A row without its file is one that was given up: in this order, no file is left without a row.
        view.storage.remove_pieces(upload.file()).await?;
        Ok(rows::end(&view.storage, upload).await?)
    }

    /// Uploads that nobody went on with are given up.
    pub(super) async fn sweep(&self, storage: &Storage) -> Result<()> {
        for upload in rows::abandoned(storage).await? {
            self.drop_state(upload.id).await;
            storage.remove_pieces(upload.file()).await?;
            rows::end(storage, &upload).await?;
        }
        Ok(())
    }

    /// Nobody writes any more.
    async fn drop_state(&self, id: Uuid) {
        let found = self.all().remove(&id);
        if let Some(found) = found {
            let mut state = found.lock().await;
            state.closed = true;
            state.kept = None;
        }
    }

    /// All pieces are there: no more are taken, and the upload is none any more.
    ///
    /// # Errors
    /// When they are not: then it stays.
    pub(super) async fn close(&self, view: &View, upload: &Upload, total: Option<u64>) -> Result<Whole> {
        let shared = self.of(view, upload).await?;
        let mut state = shared.lock().await;
        if state.closed {
            return Err(MISSING);
        }
        let mut pieces = rows::pieces(view, upload).await?;
        pieces.retain(|piece| piece.whole);
        let came = sum(&pieces);
        if total.is_some_and(|total| total != came) {
            return Err(Fault::Request(StatusCode::BAD_REQUEST, "the pieces are not the whole"));
        }
        state.closed = true;
        self.all().remove(&upload.id);
        let name = view.storage.take_pieces(upload.file()).await?;
        rows::end(&view.storage, upload).await?;
        Ok(Whole { file: state.file.clone(), name, pieces, bytes: came, kept: state.kept.take() })
    }
}

fn sum(pieces: &[Row]) -> u64 {
    pieces.iter().map(|piece| piece.length).sum()
}

/// Where a piece goes: to its old place if it is as long, else behind all others.
fn placed(known: &[Row], total: Option<u64>, number: i32, length: u64) -> Result<Row> {
    let others = known.iter().filter(|one| one.number != number);
    let (mut bytes, mut end) = (length, 0);
    for other in others {
        bytes = bytes.saturating_add(other.length);
        end = end.max(other.at + other.length);
    }
    if total.is_some_and(|total| bytes > total) {
        return Err(Fault::Request(StatusCode::BAD_REQUEST, "more bytes come than were said"));
    }
    // Pieces that are sent anew in other lengths leave gaps, which take up disk.
    if end > bytes.saturating_mul(2) {
        return Err(Fault::Request(
            StatusCode::CONFLICT,
            "too many pieces came anew: the upload must be begun again",
        ));
    }
    let old = known.iter().find(|one| one.number == number && one.length == length);
    Ok(Row { number, at: old.map_or(end, |one| one.at), length, whole: false })
}

/// A piece that comes.
pub(super) struct Piece {
    storage: Storage,
    shared: Shared,
    upload: Uuid,
    row: Row,
    attempt: u64,
    written: u64,
}

impl Piece {
    /// Takes bytes; gives the buffer back, empty.
    ///
    /// # Errors
    /// When more come than were said; when the piece was begun anew, or the upload has ended.
    pub(super) async fn write(&mut self, bytes: Vec<u8>) -> Result<Vec<u8>> {
        let came = self.written + bytes.len() as u64;
        if came > self.row.length {
            return Err(Fault::Request(StatusCode::BAD_REQUEST, "more bytes come than were said"));
        }
        let at = self.row.at + self.written;
        let state = self.shared.lock().await;
        self.current(&state)?;
        let file = state.file.clone();
        let mut bytes = self.storage.on_disk(move |_| file.write_all_at(&bytes, at).map(|()| bytes)).await?;
        bytes.clear();
        self.written = came;
        Ok(bytes)
    }

    fn current(&self, state: &State) -> Result<()> {
        if state.closed {
            return Err(MISSING);
        }
        if state.tries.get(&self.row.number) != Some(&self.attempt) {
            return Err(Fault::Request(StatusCode::CONFLICT, "the piece was begun anew"));
        }
        Ok(())
    }

    /// All of it came. When this returns, a power cut takes nothing of it away.
    ///
    /// # Errors
    /// When it did not; as [`write`](Self::write).
    pub(super) async fn finish(self) -> Result<()> {
        if self.written != self.row.length {
            return Err(Fault::Request(StatusCode::BAD_REQUEST, "fewer bytes came than were said"));
        }
        let file = self.shared.lock().await.file.clone();
        self.storage.on_disk(move |_| file.sync_data()).await?;
        let state = self.shared.lock().await;
        self.current(&state)?;
        Ok(rows::whole(&self.storage, self.upload, self.row.number).await?)
    }
}

/// An upload whose pieces are all there.
pub(super) struct Whole {
    file: Arc<File>,
    name: String,
    pieces: Vec<Row>,
    bytes: u64,
    kept: Option<Reservation>,
}

impl Whole {
    /// The file that they make at `path`.
    pub(super) async fn incoming(self, view: &View, path: &str) -> Result<Incoming> {
        if let (true, Some(kept)) = (self.in_order(), self.kept) {
            return Ok(view.adopt(path, (self.file, self.name), self.bytes, kept).await?);
        }
        let copied = copied(view, path, (&self.file, self.bytes), &self.pieces).await;
        view.storage.remove_pieces(self.name).await?;
        copied
    }

    /// Do the pieces lie in the file as in the whole?
    fn in_order(&self) -> bool {
        let mut end = 0;
        self.pieces.iter().all(|piece| {
            let good = piece.at == end;
            end += piece.length;
            good
        })
    }
}

async fn copied(
    view: &View,
    path: &str,
    (file, bytes): (&Arc<File>, u64),
    pieces: &[Row],
) -> Result<Incoming> {
    let mut incoming = view.begin(path, Some(bytes)).await?;
    for piece in pieces {
        incoming.append(file.clone(), piece.at, piece.length).await?;
    }
    Ok(incoming)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(number: i32, at: u64, length: u64) -> Row {
        Row { number, at, length, whole: true }
    }

    #[test]
    fn pieces_lie_one_behind_the_other() {
        let known = [row(1, 0, 10), row(2, 10, 10)];
        assert_eq!(placed(&known, Some(30), 3, 10).expect("a place").at, 20);
        // Sent anew: at its old place, if it is as long.
        assert_eq!(placed(&known, Some(30), 1, 10).expect("a place").at, 0);
        assert_eq!(placed(&known, Some(30), 1, 7).expect("a place").at, 20);
        assert_eq!(placed(&known, Some(30), 2, 7).expect("a place").at, 10);
    }

    #[test]
    fn no_more_comes_than_was_said_and_gaps_are_few() {
        let status = |placed: Result<Row>| placed.expect_err("refused").answer().status();
        let known = [row(1, 0, 10), row(2, 10, 10)];
        assert_eq!(status(placed(&known, Some(29), 3, 10)), StatusCode::BAD_REQUEST);
        assert!(placed(&known, None, 3, 1000).is_ok());
        assert_eq!(status(placed(&[row(1, 90, 10)], Some(100), 2, 10)), StatusCode::CONFLICT);
    }
}
