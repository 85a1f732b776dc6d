//! The process that draws one small picture: the file is its standard input, the picture its standard
//! output. It holds nothing else, and has its limits from the kernel.

use std::fs::File;
use std::io::{BufReader, BufWriter, Write};
use std::os::fd::AsFd as _;

use anyhow::{Context as _, Result, ensure};
use image::codecs::jpeg::JpegEncoder;
use image::metadata::Orientation;
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader, Limits};
use rustix::process::{Resource, Rlimit, setrlimit};

use super::Wish;

/// Pixels of the largest picture that is read: what telephones make by default, with room to spare.
const PIXELS: u64 = 26_000_000;
/// Bytes of the largest picture, in memory.
const PICTURE: u64 = 4 * PIXELS;
/// Bytes of memory that the process may have. A picture that comes in passes takes three times its own.
const MEMORY: u64 = 512 << 20;
/// Seconds of the processor's time.
const SECONDS: u64 = 15;
/// How good a photo is, of 100.
const QUALITY: u8 = 80;

/// Draws the picture of standard input to standard output, within limits that hold for the whole process.
///
/// # Errors
/// When it is none, or a limit is met.
pub fn draw(wish: Wish) -> Result<()> {
    for (resource, most) in [(Resource::As, MEMORY), (Resource::Cpu, SECONDS), (Resource::Core, 0)] {
        let limit = Rlimit { current: Some(most), maximum: Some(most) };
        setrlimit(resource, limit).context("limiting the process")?;
    }
    let input = std::io::stdin().as_fd().try_clone_to_owned().context("opening the picture")?;
    drawn(File::from(input), std::io::stdout().lock(), wish)
}

fn drawn(input: File, output: impl Write, wish: Wish) -> Result<()> {
    let mut reader = ImageReader::new(BufReader::new(input)).with_guessed_format()?;
    let mut limits = Limits::no_limits();
    limits.max_alloc = Some(PICTURE);
    reader.limits(limits);
    let mut decoder = reader.into_decoder().context("reading the picture's head")?;
    let (width, height) = decoder.dimensions();
    ensure!(u64::from(width) * u64::from(height) <= PIXELS, "it has {width} × {height} pixels");
    ensure!(decoder.total_bytes() <= PICTURE, "it takes {} bytes", decoder.total_bytes());
    let turned = decoder.orientation().unwrap_or(Orientation::NoTransforms);
    let picture = DynamicImage::from_decoder(decoder).context("reading the picture")?;
    written(&small(&picture, turned, wish), output)
}

/// The picture as it is wished, and upright.
fn small(picture: &DynamicImage, turned: Orientation, wish: Wish) -> DynamicImage {
    let on_its_side = matches!(
        turned,
        Orientation::Rotate90
            | Orientation::Rotate270
            | Orientation::Rotate90FlipH
            | Orientation::Rotate270FlipH
    );
    let (most_wide, most_high) =
        if on_its_side { (wish.height, wish.width) } else { (wish.width, wish.height) };
    let (width, height) = scaled((picture.width(), picture.height()), (most_wide, most_high), wish.crop);
    let mut small = picture.thumbnail_exact(width, height);
    if wish.crop {
        let (kept_wide, kept_high) = (width.min(most_wide), height.min(most_high));
        small = small.crop_imm((width - kept_wide) / 2, (height - kept_high) / 2, kept_wide, kept_high);
    }
    small.apply_orientation(turned);
    small
}

/// Width and height within those of a box, or such that they fill it; never more than they are.
fn scaled((width, height): (u32, u32), (most_wide, most_high): (u32, u32), fill: bool) -> (u32, u32) {
    let part = |of: u32, by: u32, whole: u32| {
        let part = u64::from(of) * u64::from(by) / u64::from(whole.max(1));
        u32::try_from(part).unwrap_or(u32::MAX).max(1)
    };
    let is_wider = u64::from(width) * u64::from(most_high) > u64::from(height) * u64::from(most_wide);
    if is_wider != fill {
        let new = width.min(most_wide);
        (new, part(height, new, width))
    } else {
        let new = height.min(most_high);
        (part(width, new, height), new)
    }
}

/// As a photo; where something is seen through it, without loss.
fn written(picture: &DynamicImage, output: impl Write) -> Result<()> {
    let mut bytes = std::io::Cursor::new(Vec::new());
    if picture.color().has_alpha() {
        DynamicImage::from(picture.to_rgba8()).write_to(&mut bytes, ImageFormat::Png)
    } else {
        picture.to_rgb8().write_with_encoder(JpegEncoder::new_with_quality(&mut bytes, QUALITY))
    }
    .context("writing the picture")?;
    let mut output = BufWriter::new(output);
    output.write_all(bytes.get_ref())?;
    Ok(output.flush()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_stay_in_their_box_or_fill_it_and_never_grow() {
        assert_eq!(scaled((400, 300), (100, 100), false), (100, 75));
        assert_eq!(scaled((300, 400), (100, 100), false), (75, 100));
        assert_eq!(scaled((400, 300), (100, 100), true), (133, 100));
        assert_eq!(scaled((300, 400), (100, 100), true), (100, 133));
        assert_eq!(scaled((40, 30), (100, 100), false), (40, 30));
        assert_eq!(scaled((40, 30), (100, 100), true), (40, 30));
        assert_eq!(scaled((10_000, 1), (100, 100), false), (100, 1));
        assert_eq!(scaled((1, u32::MAX), (u32::MAX, 1), false), (1, 1));
    }

    #[test]
    fn a_picture_on_its_side_is_set_upright() {
        let wide = DynamicImage::new_rgb8(40, 20);
        let size = |wish| {
            let small = small(&wide, Orientation::Rotate90, wish);
            (small.width(), small.height())
        };
        assert_eq!(size(Wish { width: 5, height: 100, crop: false }), (5, 10));
        assert_eq!(size(Wish { width: 10, height: 12, crop: true }), (10, 12));
    }
}
