//! Small pictures: their sizes, of what there are any, and what they never cost.

use std::io::Cursor;

use axum::body::Bytes;
use axum::http::response::Parts;
use image::{DynamicImage, GrayImage, ImageFormat, Rgb, RgbImage, Rgba, RgbaImage};
use mazet_files::testing::PASSWORD;

use crate::server::{Served, answered, basic, served};

const THUMBNAIL: &str = "/index.php/apps/files/api/v1/thumbnail";

/// Red on the left, blue on the right: 400 × 300.
fn picture(format: ImageFormat) -> Vec<u8> {
    let colour = |x| if x < 200 { Rgb([250, 0, 0]) } else { Rgb([0, 0, 250]) };
    encoded(&RgbImage::from_fn(400, 300, |x, _| colour(x)).into(), format)
}

fn encoded(picture: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    picture.write_to(&mut bytes, format).expect("encoded");
    bytes.into_inner()
}

/// Writes a file of zoe's; gives its number.
async fn put(box_: &Served, path: &str, bytes: &[u8]) -> i64 {
    let view = box_.home.storage.view("zoe").await.expect("a view");
    if let Some((folder, _)) = path.rsplit_once('/') {
        view.create_folder(folder).await.expect("made");
    }
    let mut incoming = view.begin(path, Some(bytes.len() as u64)).await.expect("begun");
    incoming.write(bytes).await.expect("written");
    incoming.finish(None).await.expect("finished").id
}

async fn get(box_: &Served, login: &str, path: &str, more: &[(&str, &str)]) -> (Parts, Bytes) {
    let authorization = basic(login, PASSWORD);
    let all: Vec<_> = [("authorization", authorization.as_str())].iter().chain(more).copied().collect();
    answered(box_, "GET", path, &all, "").await
}

async fn status(box_: &Served, login: &str, path: &str) -> u16 {
    get(box_, login, path, &[]).await.0.status.as_u16()
}

/// The picture at an address, and its media type.
async fn seen(box_: &Served, path: &str) -> (DynamicImage, String) {
    let (parts, bytes) = get(box_, "zoe", path, &[]).await;
    assert_eq!(parts.status, 200, "{path}");
    let media = parts.headers["content-type"].to_str().expect("text").to_owned();
    (image::load_from_memory(&bytes).expect("a picture"), media)
}

async fn size(box_: &Served, path: &str) -> (u32, u32) {
    let (picture, _) = seen(box_, path).await;
    (picture.width(), picture.height())
}

#[tokio::test]
async fn pictures_of_four_kinds_are_made_small() {
    let Some(box_) = served().await else { return };
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::Gif, ImageFormat::WebP] {
        let id = put(&box_, "photo", &picture(format)).await;
        let (small, _) = seen(&box_, &format!("/index.php/core/preview?fileId={id}&x=100&y=100&a=1")).await;
        assert_eq!((small.width(), small.height()), (100, 75), "{format:?}");
        let (left, right) = (small.to_rgb8()[(10, 40)].0, small.to_rgb8()[(90, 40)].0);
        assert!(left[0] > 200 && left[2] < 50 && right[0] < 50 && right[2] > 200, "{left:?} {right:?}");
    }
}

#[tokio::test]
async fn a_picture_has_the_size_that_is_asked_for_and_never_more_than_its_own() {
    let Some(box_) = served().await else { return };
    let id = put(&box_, "Été 1/photo.jpg", &picture(ImageFormat::Jpeg)).await;
    let by_number = format!("/index.php/core/preview?fileId={id}");
    let by_path = "/index.php/core/preview.png?file=%2F%C3%89t%C3%A9+1%2Fphoto.jpg";
    assert_eq!(size(&box_, &format!("{by_number}&x=100&y=100")).await, (100, 100));
    assert_eq!(size(&box_, &format!("{by_number}&x=300&y=30&a=1&forceIcon=0")).await, (40, 30));
    assert_eq!(size(&box_, &format!("{by_number}&x=9000&y=9000&a=1")).await, (400, 300));
    assert_eq!(size(&box_, by_path).await, (32, 32));
    assert_eq!(size(&box_, &format!("{by_path}&x=64&y=64&a=true")).await, (64, 48));
    assert_eq!(size(&box_, &format!("{THUMBNAIL}/50/60/%C3%89t%C3%A9%201/photo.jpg")).await, (50, 60));
    for bad in ["&x=0&y=9", "&x=-1&y=-1", "&x=a"] {
        assert_eq!(status(&box_, "zoe", &format!("{by_number}{bad}")).await, 400, "{bad}");
    }
    assert_eq!(status(&box_, "zoe", "/index.php/core/preview?x=9&y=9").await, 400);
}

#[tokio::test]
async fn a_photo_stands_upright_and_glass_stays_clear() {
    let Some(box_) = served().await else { return };
    let mut photo = picture(ImageFormat::Jpeg);
    // Exif: one entry, 0x0112, "turn it by a quarter to the right".
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let length = u16::try_from(exif.len() + 2).expect("short").to_be_bytes();
    photo.splice(2..2, [&[0xff, 0xe1], length.as_slice(), exif].concat());
    put(&box_, "photo.jpg", &photo).await;
    let (small, media) = seen(&box_, "/index.php/core/preview.png?file=photo.jpg&x=80&y=80&a=1").await;
    assert_eq!((small.width(), small.height(), media.as_str()), (60, 80, "image/jpeg"));
    assert!(small.to_rgb8()[(30, 10)].0[0] > 200, "red is above");
    let glass = RgbaImage::from_pixel(40, 40, Rgba([0, 200, 0, 100])).into();
    put(&box_, "glass.png", &encoded(&glass, ImageFormat::Png)).await;
    let (small, media) = seen(&box_, &format!("{THUMBNAIL}/10/10/glass.png")).await;
    assert_eq!((small.to_rgba8()[(5, 5)].0, media.as_str()), ([0, 200, 0, 100], "image/png"));
}

#[tokio::test]
async fn there_is_none_of_what_is_no_picture_or_somebody_elses() {
    let Some(box_) = served().await else { return };
    let id = put(&box_, "photo.jpg", &picture(ImageFormat::Jpeg)).await;
    let text = put(&box_, "text.jpg", b"no picture at all").await;
    let cut = picture(ImageFormat::Png);
    let broken = put(&box_, "broken.png", &cut[..60]).await;
    put(&box_, "folder.jpg/x", b"x").await;
    let preview = |id: i64| format!("/index.php/core/preview?fileId={id}&x=9&y=9&a=1");
    assert_eq!(status(&box_, "zoe", &preview(id)).await, 200);
    for path in [
        preview(text),
        preview(broken),
        preview(id + 1000),
        format!("{THUMBNAIL}/9/9/folder.jpg"),
        format!("{THUMBNAIL}/9/9/none.jpg"),
        "/index.php/core/preview/other".to_owned(),
    ] {
        assert_eq!(status(&box_, "zoe", &path).await, 404, "{path}");
    }
    assert_eq!(status(&box_, "paul", &preview(id)).await, 404);
    assert_eq!(status(&box_, "paul", &format!("{THUMBNAIL}/9/9/photo.jpg")).await, 404);
    let inside = status(&box_, "zoe", &format!("{THUMBNAIL}/9/9/..%2f..%2fzoe%2ffiles%2fphoto.jpg")).await;
    assert!(inside == 400 || inside == 404, "{inside}");
    for path in [
        preview(id),
        format!("{THUMBNAIL}/9/9/photo.jpg"),
        "/index.php/core/preview.png?file=photo.jpg".to_owned(),
    ] {
        let person = [("mazet-person", "zoe")];
        assert_eq!(answered(&box_, "GET", &path, &person, "").await.0.status, 401, "{path}");
    }
}

#[tokio::test]
async fn a_picture_is_not_sent_again_until_it_is_another() {
    let Some(box_) = served().await else { return };
    put(&box_, "photo.jpg", &picture(ImageFormat::Jpeg)).await;
    let path = format!("{THUMBNAIL}/9/9/photo.jpg");
    let (parts, _) = get(&box_, "zoe", &path, &[]).await;
    let etag = parts.headers["etag"].to_str().expect("text");
    let known = [("if-none-match", etag)];
    let (same, body) = get(&box_, "zoe", &path, &known).await;
    assert_eq!((same.status.as_u16(), body.len()), (304, 0));
    assert_eq!(get(&box_, "zoe", &path.replace("9/9", "8/8"), &known).await.0.status, 200);
    put(&box_, "photo.jpg", &picture(ImageFormat::Png)).await;
    assert_eq!(get(&box_, "zoe", &path, &known).await.0.status, 200);
}

/// The check of a PNG's chunk (ISO 3309).
fn check(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |sum, byte| {
        (0..8).fold(sum ^ u32::from(*byte), |sum, _| (sum >> 1) ^ (0xedb8_8320 * (sum & 1)))
    })
}

#[tokio::test]
async fn a_bomb_is_not_set_off() {
    let Some(box_) = served().await else { return };
    // 27 million pixels in some kilobytes …
    let large = encoded(&GrayImage::new(5200, 5200).into(), ImageFormat::Png);
    assert!(large.len() < 1 << 20, "{}", large.len());
    // … and 2.5 thousand million, by its own word.
    let mut huge = picture(ImageFormat::Png);
    huge[16..24].copy_from_slice(&[0, 0, 0xc3, 0x50, 0, 0, 0xc3, 0x50]);
    let sum = check(&huge[12..29]);
    huge[29..33].copy_from_slice(&sum.to_be_bytes());
    for (name, bomb) in [("large.png", &large), ("huge.png", &huge)] {
        put(&box_, name, bomb).await;
        assert_eq!(status(&box_, "zoe", &format!("{THUMBNAIL}/9/9/{name}")).await, 404, "{name}");
    }
    put(&box_, "photo.png", &picture(ImageFormat::Png)).await;
    assert_eq!(status(&box_, "zoe", &format!("{THUMBNAIL}/9/9/photo.png")).await, 200);
}

#[tokio::test]
async fn a_list_tells_of_what_there_are_pictures() {
    let Some(box_) = served().await else { return };
    put(&box_, "photo.jpg", &picture(ImageFormat::Jpeg)).await;
    let authorization = basic("zoe", PASSWORD);
    let headers = [("authorization", authorization.as_str()), ("depth", "0")];
    let asked = r#"<d:propfind xmlns:d="DAV:" xmlns:nc="http://nextcloud.org/ns"><d:prop><nc:has-preview/></d:prop></d:propfind>"#;
    for (name, has) in [("photo.jpg", ">true<"), ("", ">false<")] {
        let path = format!("/remote.php/dav/files/zoe/{name}");
        let (_, bytes) = answered(&box_, "PROPFIND", &path, &headers, asked).await;
        let text = String::from_utf8_lossy(&bytes);
        assert!(text.contains(has), "{text}");
    }
}
