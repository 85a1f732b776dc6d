//! Folders, names, properties.

use std::sync::Arc;

use axum::http::StatusCode;
use dav_server::davpath::DavPath;
use dav_server::fs::{
    DavDirEntry, DavFile, DavFileSystem, DavMetaData, DavProp, FsError, FsFuture, FsResult, FsStream,
    OpenOptions, ReadDirMeta,
};
use futures_util::{FutureExt as _, StreamExt as _, stream};

use super::file::{Reading, Writing};
use super::meta::Meta;
use super::request::{Context, Whole, view_path};
use crate::storage::{Entry, Error, Property};

/// The files of one request.
#[derive(Debug, Clone)]
pub(super) struct Files(pub Arc<Context>);

impl Files {
    fn meta(&self, entry: Entry) -> Meta {
        Meta { entry, quoted: self.0.properties }
    }

    async fn opened(&self, path: &str, options: OpenOptions) -> FsResult<Box<dyn DavFile>> {
        let context = &self.0;
        if !options.write {
            let opened = context.open(path).await;
            let (file, entry) = opened.map_err(|error| context.failed(error))?;
            return Ok(Box::new(Reading { context: context.clone(), file: file.into(), entry, position: 0 }));
        }
        if context.locking {
            return self.made_with_its_lock(path).await;
        }
        if !options.truncate {
            return Err(FsError::NotImplemented);
        }
        let expected = options.size.or(context.expected);
        let begun = match (expected, context.room()) {
            (Some(bytes), Some(kept)) if bytes == kept.bytes => context.view.gather(path, bytes, kept),
            _ => context.view.begin(path, expected).await,
        };
        let incoming = begun.map_err(|error| context.failed(error))?.only(context.only.clone());
        Ok(Box::new(Writing { context: context.clone(), incoming: Some(incoming), entry: None }))
    }

    /// LOCK of what is not there makes an empty file (RFC 4918 § 7.3): our locks did so.
    async fn made_with_its_lock(&self, path: &str) -> FsResult<Box<dyn DavFile>> {
        let context = &self.0;
        let stat = context.view.stat(path).await;
        let entry = match stat {
            Ok(entry) => entry,
            Err(_) => context.empty_file(path).await.map_err(|error| context.failed(error))?,
        };
        Ok(Box::new(Writing { context: context.clone(), incoming: None, entry: Some(entry) }))
    }

    async fn listed(&self, path: &str) -> FsResult<FsStream<Box<dyn DavDirEntry>>> {
        // The folder goes, or is copied, as a whole.
        let entries = if self.0.whole == Whole::No { self.children(path).await? } else { Vec::new() };
        let quoted = self.0.properties;
        let entry = move |entry| Ok(Box::new(Meta { entry, quoted }) as Box<dyn DavDirEntry>);
        Ok(stream::iter(entries.into_iter().map(entry)).boxed())
    }

    async fn children(&self, path: &str) -> FsResult<Vec<Entry>> {
        let entries = self.0.view.list(path).await.map_err(|error| self.0.failed(error))?;
        if self.0.properties {
            self.0.note(&entries).await.map_err(|error| self.0.failed(error))?;
        }
        Ok(entries)
    }

    async fn make_folder(&self, path: &str) -> Result<(), Error> {
        match &self.0.whole {
            Whole::Copy(from) => self.0.view.copy_to(from, path, true).await,
            _ => self.0.view.create_folder(path).await,
        }
        .map(|_| ())
    }

    async fn property(&self, path: &str, wanted: &DavProp) -> Result<Option<String>, Error> {
        let entry = self.0.stat(path).await?;
        let namespace = wanted.namespace.as_deref().unwrap_or_default();
        let live = self.0.live.as_ref();
        if let Some(xml) = live.and_then(|live| live.property(&self.0.view, &entry, namespace, &wanted.name))
        {
            return Ok(Some(xml));
        }
        let all = self.0.properties_of(&entry).await?;
        let found = all.into_iter().find(|one| one.name == wanted.name && one.namespace == namespace);
        Ok(found.map(|property| property.xml))
    }

    async fn patched(
        &self,
        path: &str,
        patch: Vec<(bool, DavProp)>,
    ) -> Result<Vec<(StatusCode, DavProp)>, Error> {
        let change = |(set, property): &(bool, DavProp)| {
            let xml = property.xml.as_ref().map(|xml| String::from_utf8_lossy(xml).into_owned());
            let namespace = property.namespace.clone().unwrap_or_default();
            (namespace, property.name.clone(), xml.filter(|_| *set))
        };
        self.0.view.set_properties(path, patch.iter().map(change).collect()).await?;
        let told = |property: DavProp| (StatusCode::OK, DavProp { xml: None, ..property });
        Ok(patch.into_iter().map(|(_, property)| told(property)).collect())
    }
}

fn dav_property(property: Property, content: bool) -> DavProp {
    DavProp {
        name: property.name,
        prefix: Some("x".to_owned()),
        namespace: Some(property.namespace).filter(|namespace| !namespace.is_empty()),
        xml: content.then(|| property.xml.into_bytes()),
    }
}

impl DavFileSystem for Files {
    fn open<'a>(&'a self, path: &'a DavPath, options: OpenOptions) -> FsFuture<'a, Box<dyn DavFile>> {
        async move { self.opened(&view_path(path)?, options).await }.boxed()
    }

    fn read_dir<'a>(
        &'a self,
        path: &'a DavPath,
        _: ReadDirMeta,
    ) -> FsFuture<'a, FsStream<Box<dyn DavDirEntry>>> {
        async move { self.listed(&view_path(path)?).await }.boxed()
    }

    fn metadata<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, Box<dyn DavMetaData>> {
        async move {
            let entry = self.0.stat(&view_path(path)?).await.map_err(|error| self.0.failed(error))?;
            Ok(Box::new(self.meta(entry)) as Box<dyn DavMetaData>)
        }
        .boxed()
    }

    fn create_dir<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        async move { self.make_folder(&view_path(path)?).await.map_err(|error| self.0.failed(error)) }.boxed()
    }

    fn remove_dir<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        self.remove_file(path)
    }

    fn remove_file<'a>(&'a self, path: &'a DavPath) -> FsFuture<'a, ()> {
        async move { self.0.view.delete(&view_path(path)?).await.map_err(|error| self.0.failed(error)) }
            .boxed()
    }

    fn rename<'a>(&'a self, from: &'a DavPath, to: &'a DavPath) -> FsFuture<'a, ()> {
        async move {
            // Without Overwrite, the crate has refused what is there.
            let moved = self.0.view.move_to(&view_path(from)?, &view_path(to)?, true).await;
            moved.map(|_| ()).map_err(|error| self.0.failed(error))
        }
        .boxed()
    }

    fn copy<'a>(&'a self, from: &'a DavPath, to: &'a DavPath) -> FsFuture<'a, ()> {
        async move {
            let copied = self.0.view.copy_to(&view_path(from)?, &view_path(to)?, true).await;
            copied.map(|_| ()).map_err(|error| self.0.failed(error))
        }
        .boxed()
    }

    fn have_props<'a>(&'a self, _: &'a DavPath) -> std::pin::Pin<Box<dyn Future<Output = bool> + Send + 'a>> {
        std::future::ready(true).boxed()
    }

    fn patch_props<'a>(
        &'a self,
        path: &'a DavPath,
        patch: Vec<(bool, DavProp)>,
    ) -> FsFuture<'a, Vec<(StatusCode, DavProp)>> {
        async move { self.patched(&view_path(path)?, patch).await.map_err(|error| self.0.failed(error)) }
            .boxed()
    }

    fn get_props<'a>(&'a self, path: &'a DavPath, content: bool) -> FsFuture<'a, Vec<DavProp>> {
        async move {
            let entry = self.0.stat(&view_path(path)?).await.map_err(|error| self.0.failed(error))?;
            let all = self.0.properties_of(&entry).await.map_err(|error| self.0.failed(error))?;
            Ok(all.into_iter().map(|property| dav_property(property, content)).collect())
        }
        .boxed()
    }

    fn get_prop<'a>(&'a self, path: &'a DavPath, property: DavProp) -> FsFuture<'a, Vec<u8>> {
        async move {
            let xml =
                self.property(&view_path(path)?, &property).await.map_err(|error| self.0.failed(error))?;
            xml.map(String::into_bytes).ok_or(FsError::NotFound)
        }
        .boxed()
    }

    fn get_quota(&self) -> FsFuture<'_, (u64, Option<u64>)> {
        async move {
            let used = self.0.view.quota(&self.0.path).await.map_err(|error| self.0.failed(error))?;
            // The crate takes from this what the folder that was asked for has, which is what it calls used.
            let had = match self.0.path.as_str() {
                "" => used.used,
                path => self.0.stat(path).await.map_err(|error| self.0.failed(error))?.size,
            };
            Ok((used.used, Some(used.available.saturating_add(had))))
        }
        .boxed()
    }
}
