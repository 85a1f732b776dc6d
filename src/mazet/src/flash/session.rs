//! Several sticks at once, until done or interrupted.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};

use super::fault::Fault;
use super::medium::Medium;
use super::progress::Progress;
use super::write::{Content, Writer};

/// Exit code after Ctrl-C.
pub const INTERRUPTED: u8 = 130;

/// What happens to a stick.
#[derive(Debug)]
pub enum Event<'a> {
    /// It is so far.
    Progress(Progress),
    /// It is over.
    Ended(&'a Result<(), Fault>),
}

/// A flag that Ctrl-C sets; a second Ctrl-C ends the program at once, for devices that hang.
///
/// # Errors
/// When the signals cannot be caught.
pub fn stop_on_signals() -> io::Result<Arc<AtomicBool>> {
    let stop = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM, SIGHUP] {
        signal_hook::flag::register_conditional_shutdown(signal, i32::from(INTERRUPTED), Arc::clone(&stop))?;
        signal_hook::flag::register(signal, Arc::clone(&stop))?;
    }
    Ok(stop)
}

/// Writes `content` to every medium, each in a thread of its own; a fault of one does not keep
/// the others from being written. `watch` hears of all of them, by their place in `media`.
pub fn flash_all<M: Medium + Send>(
    media: &mut [M],
    content: Content<'_>,
    stop: &AtomicBool,
    watch: &mut dyn FnMut(usize, Event<'_>),
) -> Vec<Result<(), Fault>> {
    enum Message {
        Progress(Progress),
        Ended(Result<(), Fault>),
    }
    // A writer that ends without a word was interrupted by something worse.
    let mut ends: Vec<Result<(), Fault>> = media.iter().map(|_| Err(Fault::Interrupted)).collect();
    thread::scope(|scope| {
        let (sender, receiver) = mpsc::channel();
        for (place, medium) in media.iter_mut().enumerate() {
            let sender = sender.clone();
            scope.spawn(move || {
                // The receiver lives as long as this scope.
                let mut tell = |progress| drop(sender.send((place, Message::Progress(progress))));
                let end = Writer::new(medium, stop, &mut tell).run(content);
                drop(sender.send((place, Message::Ended(end))));
            });
        }
        drop(sender);
        for (place, message) in receiver {
            match message {
                Message::Progress(progress) => watch(place, Event::Progress(progress)),
                Message::Ended(end) => {
                    watch(place, Event::Ended(&end));
                    ends[place] = end;
                }
            }
        }
    });
    ends
}

/// Was the session stopped by the user?
pub fn was_stopped(stop: &AtomicBool) -> bool {
    stop.load(Ordering::Relaxed)
}

#[cfg(test)]
mod tests {
    use rustix::io::Errno;

    use super::*;
    use crate::flash::simulated::{Ills, MIB, SIZE, Stick, image, used};
    use crate::flash::source::Patches;

    #[test]
    fn one_failing_stick_does_not_keep_the_others_from_being_written() {
        let (image, used, patches) = (image(), used(), Patches::new());
        let content =
            Content { source: &image, size: SIZE as u64, used: &used, sums: &[], patches: &patches };
        let broken = Ills { write: Some((2 << 20, Errno::IO)), ..Ills::default() };
        let mut sticks = [Ills::default(), broken, Ills::default()].map(|ills| Stick::new(9 * MIB, ills));
        let stop = AtomicBool::new(false);
        let mut seen = [0_u64; 3];
        let ends = flash_all(&mut sticks, content, &stop, &mut |place, event| match event {
            Event::Progress(progress) => seen[place] = seen[place].max(progress.done),
            Event::Ended(end) => assert_eq!(end.is_ok(), place != 1),
        });
        let told: Vec<Option<u64>> =
            ends.iter().map(|end| end.as_ref().err().and_then(Fault::offset)).collect();
        assert_eq!(told, [None, Some(2 << 20), None]);
        assert!(ends[0].is_ok() && ends[2].is_ok());
        assert!(sticks[0].bytes[..3 * MIB] == sticks[2].bytes[..3 * MIB]);
        assert_eq!((seen[0], seen[2]), (used.bytes(), used.bytes()));
    }

    #[test]
    fn an_interruption_reaches_every_stick() {
        let (image, used, patches) = (image(), used(), Patches::new());
        let content =
            Content { source: &image, size: SIZE as u64, used: &used, sums: &[], patches: &patches };
        let mut sticks = [0; 2].map(|_| Stick::new(9 * MIB, Ills::default()));
        let stop = AtomicBool::new(true);
        let ends = flash_all(&mut sticks, content, &stop, &mut |_, _| ());
        assert!(ends.iter().all(|end| matches!(end, Err(Fault::Interrupted))));
    }
}
