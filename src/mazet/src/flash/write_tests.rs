//! Sticks that do what sticks do.

use std::io::Seek;
use std::sync::atomic::AtomicBool;

use rustix::io::Errno;

use super::*;
use crate::digest::Digest;
use crate::flash::simulated::{Ills, MIB, Memory, OLD, SIZE, Stick, image, used};

/// Writes `image` to `stick`, setting the stop flag when `stop_at` says so.
fn flash_until(
    stick: &mut Stick,
    patches: &Patches,
    stop_at: impl Fn(Progress) -> bool,
) -> Result<(), Fault> {
    let (image, used) = (image(), used());
    let stop = AtomicBool::new(false);
    let mut watch = |progress| stop.store(stop_at(progress), Ordering::Relaxed);
    let content = Content { source: &image, size: SIZE as u64, used: &used, sums: &[], patches };
    Writer::new(stick, &stop, &mut watch).run(content)
}

fn flash(stick: &mut Stick) -> Result<(), Fault> {
    flash_until(stick, &Patches::new(), |_| false)
}

/// Nothing boots from it: no boot sector, no partition table; and it says why.
fn is_unbootable(stick: &Stick) -> bool {
    let head = &stick.bytes[..MIB];
    head[..NOTE_AT].iter().all(|byte| *byte == 0) && head[NOTE_AT..].starts_with(NOTE)
}

#[test]
fn a_good_stick_holds_the_used_blocks_and_its_first_mebibyte_came_last() {
    let mut stick = Stick::new(9 * MIB, Ills::default());
    flash(&mut stick).expect("written");
    let image = image().0;
    assert!(stick.bytes[..3 * MIB] == image[..3 * MIB]);
    assert!(stick.bytes[3 * MIB..4 * MIB].iter().all(|byte| *byte == OLD), "an unused block was written");
    assert!(stick.bytes[4 * MIB..SIZE] == image[4 * MIB..]);
    assert!(stick.bytes[8 * MIB..].iter().all(|byte| *byte == 0), "the old table's copy is still there");
    assert_eq!(stick.log[..2], [(8 * MIB, MIB), (0, MIB)]);
    assert_eq!(stick.log.last(), Some(&(0, MIB)));
}

#[test]
fn a_stick_as_large_as_the_image_is_enough_and_a_smaller_one_is_left_alone() {
    let mut stick = Stick::new(SIZE, Ills::default());
    flash(&mut stick).expect("written");
    assert!(stick.bytes[4 * MIB..] == image().0[4 * MIB..]);
    let mut small = Stick::new(SIZE - 512, Ills::default());
    let fault = flash(&mut small).expect_err("too small");
    assert_eq!(fault.to_string(), "it has 6290944 bytes, and the image needs 6291456: 512 bytes are missing");
    assert!(small.log.is_empty());
}

#[test]
fn a_slow_stick_that_takes_a_few_bytes_at_a_time_is_written_whole() {
    let mut stick = Stick::new(SIZE, Ills { most: Some(3000), ..Ills::default() });
    flash(&mut stick).expect("written");
    assert!(stick.bytes[..3 * MIB] == image().0[..3 * MIB]);
}

#[test]
fn a_failing_stick_is_told_with_the_place_and_does_not_boot() {
    let at = 5 * MIB as u64 + 1234;
    for (ills, words) in [
        (Ills { write: Some((at, Errno::IO)), ..Ills::default() }, "writing at byte 5244114: "),
        (Ills { read: Some((at, Errno::IO)), ..Ills::default() }, "reading back at byte 5244114: "),
    ] {
        let mut stick = Stick::new(9 * MIB, ills);
        let fault = flash(&mut stick).expect_err("fails");
        let told = fault.to_string();
        assert!(told.starts_with(words) && told.contains("is failing; try another port"), "{told}");
        assert_eq!(fault.offset(), Some(at));
        assert!(is_unbootable(&stick));
    }
}

#[test]
fn an_unplugged_stick_is_told_as_such() {
    let mut stick = Stick::new(9 * MIB, Ills { write: Some((2 << 20, Errno::NODEV)), ..Ills::default() });
    let told = flash(&mut stick).expect_err("gone").to_string();
    assert!(told.starts_with("writing at byte 2097152: "), "{told}");
    assert!(told.ends_with("(it was unplugged; plug it in and flash it again)"), "{told}");
}

#[test]
fn a_stick_that_lies_about_its_size_is_told_as_counterfeit() {
    let mut stick = Stick::new(9 * MIB, Ills { write: Some((5 << 20, Errno::NOSPC)), ..Ills::default() });
    let told = flash(&mut stick).expect_err("short").to_string();
    assert!(told.starts_with("writing at byte 5242880: "), "{told}");
    assert!(told.ends_with("(it ends before the size that it claims: a counterfeit stick)"), "{told}");
    assert!(is_unbootable(&stick));
}

#[test]
fn a_misreading_stick_does_not_boot_and_the_byte_is_named() {
    let at = 2 * MIB as u64 + 77;
    let mut stick = Stick::new(9 * MIB, Ills { misread: Some(at), ..Ills::default() });
    let fault = flash(&mut stick).expect_err("differs");
    let written = image().0[at as usize];
    assert_eq!(
        fault.to_string(),
        format!(
            "at byte {at}, {:#04x} came back where {written:#04x} was written: the stick is worn out or counterfeit; use another one",
            written ^ 0x10
        )
    );
    assert!(is_unbootable(&stick));
}

#[test]
fn a_misread_first_mebibyte_is_taken_away_again() {
    let mut stick = Stick::new(9 * MIB, Ills::default());
    // Only the finished head differs from what the note's mebibyte holds there.
    let stop_at = |_| false;
    let image = image().0;
    let at = (0..NOTE_AT).find(|at| image[*at] != 0).expect("a byte that is not zero");
    struct Late<'a>(&'a mut Stick, u64);
    impl Read for Late<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            // Misreads once the head was written.
            let done = self.0.bytes[self.1 as usize] != 0;
            self.0.ills.misread = done.then_some(self.1);
            self.0.read(buffer)
        }
    }
    impl io::Write for Late<'_> {
        fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
            self.0.write(buffer)
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    impl Seek for Late<'_> {
        fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
            self.0.seek(to)
        }
    }
    impl Medium for Late<'_> {
        fn sync(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let (source, used, patches) = (Memory(image), used(), Patches::new());
    let stop = AtomicBool::new(false);
    let mut watch = |progress| stop.store(stop_at(progress), Ordering::Relaxed);
    let content = Content { source: &source, size: SIZE as u64, used: &used, sums: &[], patches: &patches };
    let fault = Writer::new(&mut Late(&mut stick, at as u64), &stop, &mut watch).run(content);
    assert_eq!(fault.expect_err("misread").offset(), Some(at as u64));
    assert!(is_unbootable(&stick));
}

#[test]
fn a_stick_that_keeps_nothing_is_found_out_at_once() {
    let mut stick = Stick::new(9 * MIB, Ills { forgets: true, ..Ills::default() });
    let fault = flash(&mut stick).expect_err("forgets");
    assert!(matches!(fault, Fault::Differs { offset: 0, .. }), "{fault}");
    assert_eq!(stick.log.len(), 2);
}

#[test]
fn an_interrupted_stick_is_clearly_unfinished() {
    for phase in [Phase::Writing, Phase::Verifying] {
        let mut stick = Stick::new(9 * MIB, Ills::default());
        let stop_at = |progress: Progress| progress.phase == phase && progress.done > 2 * MIB as u64;
        let fault = flash_until(&mut stick, &Patches::new(), stop_at).expect_err("stopped");
        assert!(matches!(fault, Fault::Interrupted));
        assert!(is_unbootable(&stick));
    }
}

#[test]
fn patches_are_written_and_verified_in_place_of_the_images_own_blocks() {
    let patches = Patches::from([(0, vec![1; 4096]), (600, vec![2; 4096])]);
    let mut stick = Stick::new(SIZE, Ills::default());
    flash_until(&mut stick, &patches, |_| false).expect("written");
    assert!(stick.bytes[..4096].iter().all(|byte| *byte == 1));
    assert!(stick.bytes[600 * 4096..601 * 4096].iter().all(|byte| *byte == 2));
}

#[test]
fn an_image_that_ends_early_or_differs_from_its_map_is_not_the_sticks_fault() {
    let mut short = image();
    short.0.truncate(5 * MIB);
    let used = used();
    let stop = AtomicBool::new(false);
    let mut stick = Stick::new(9 * MIB, Ills::default());
    let content =
        Content { source: &short, size: SIZE as u64, used: &used, sums: &[], patches: &Patches::new() };
    let fault = Writer::new(&mut stick, &stop, &mut |_| ()).run(content).expect_err("short image");
    assert!(matches!(fault, Fault::Image { offset: 4_194_304, .. }), "{fault}");
    let sums = [Mapped { bytes: 0..SIZE as u64, sha256: Some(Digest::of("another")) }];
    let image = image();
    let content =
        Content { source: &image, size: SIZE as u64, used: &used, sums: &sums, patches: &Patches::new() };
    let fault = Writer::new(&mut stick, &stop, &mut |_| ()).run(content).expect_err("another image");
    assert!(fault.to_string().contains("bytes 0 to 6291455 differ from the block map"), "{fault}");
    assert!(is_unbootable(&stick));
}
