//! The pipeline: recipe → lock → packages → trees → layers → image.
//!
//! Each stage is a call that hands a typed result to the next; `Timer` notes how long it took and
//! whether it was cached. Nothing that exists is made again: [`crate::stage`].

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::image::ImageInfo;
use mazet_model::manifest::{Manifest, OverlayFile, User};
use mazet_model::recipe::Recipe;

use crate::cache;
use crate::compile::{self, Compiled};
use crate::digest::{Digest, Inputs};
use crate::fetch;
use crate::image::{self, assemble, beside};
use crate::layers::debian::{self, Workshop};
use crate::layers::initrd::{self, Initrd};
use crate::layers::raise::Early;
use crate::layers::{Layer, house};
use crate::lock::{Entry, Lock, Part};
use crate::mirror::Mirror;
use crate::paths::{Cache, Project};
use crate::plan::{self, Asking, Wishes};
use crate::resolve::Target;
use crate::stage::{self, Question, question};
use crate::timings::Timings;
use crate::tree::{self, Maker, Order};
use crate::ui::Ui;

/// What a build is told.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// How to come by a lock.
    pub asking: Asking,
    /// The mirror, where one is given.
    pub mirror: Option<String>,
    /// Where the image goes.
    pub output: PathBuf,
}

/// A build at work.
pub struct Build<'a> {
    /// The project.
    pub project: &'a Project,
    /// The cache.
    pub cache: &'a Cache,
    /// Who is told.
    pub ui: &'a Ui,
    /// The validated recipe.
    pub recipe: &'a Recipe,
    /// Its validated services, in dependency order.
    pub services: &'a [Manifest],
    /// What it was told.
    pub options: &'a Options,
    /// What took how long.
    pub timings: &'a Timings,
}

/// The image made.
#[derive(Debug, Clone)]
pub struct Built {
    /// The image file.
    pub image: PathBuf,
    /// It was there already.
    pub cached: bool,
    /// What it says of itself.
    pub info: ImageInfo,
    /// Every package.
    pub lock: Lock,
}

/// Layers' names, lowest first.
const LAYERS: [&str; 3] = ["base", "services", "box"];

/// What lies below our own layer.
struct Below {
    base: Layer,
    services: Layer,
    initrd: Initrd,
}

/// All that goes into an image.
struct Stack {
    below: Below,
    house: Layer,
    programs: Vec<PathBuf>,
    info: ImageInfo,
}

impl Build<'_> {
    /// Runs the pipeline.
    ///
    /// # Errors
    /// Those of its stages.
    pub fn run(&mut self) -> Result<Built> {
        let lock = self.lock()?;
        self.fetch(&lock, &[Part::Tools, Part::Compile, Part::Base, Part::Services])?;
        let tools = self.tree(&lock, "tools", Part::Tools)?;
        let program = self.program(&lock)?;
        let stack = self.layers(&lock, &tools, &program)?;
        let built = self.image(&lock, &tools.folder, &stack)?;
        self.note_use(&lock, &tools.folder, &program, &stack)?;
        Ok(built)
    }

    /// `mazet cache clean` keeps what the last build of a recipe used.
    fn note_use(&self, lock: &Lock, tools: &Path, program: &Compiled, stack: &Stack) -> Result<()> {
        let Stack { below: Below { base, services, initrd }, house, programs, .. } = stack;
        let (shelf, debs) = (self.cache.folder("trees")?, self.cache.debs());
        // Not entered by this build, if nothing had to be compiled; the test tree by tests alone.
        let helpers = [("compile", Part::Compile), ("test", Part::Test)].map(|(name, part)| {
            stage::place(&shelf, name, &order(lock, &lock.part(part), &debs).inputs(name, 1))
        });
        let crates = compile::crates(self.cache, self.project)?;
        let layers = [base, services, house].map(|layer| layer.folder.as_path());
        let files = program.programs.iter().chain(programs);
        let mut results: Vec<&Path> = files.filter_map(|file| file.parent()).collect();
        results.extend(layers.into_iter().chain([tools, &initrd.folder, &crates]));
        results.extend(helpers.iter().map(PathBuf::as_path));
        results.sort();
        results.dedup();
        cache::note_use(&self.cache.root, &self.recipe.image.name, &results)
    }

    fn target(&self) -> Target {
        let image = &self.recipe.image;
        Target {
            release: image.release.clone(),
            architecture: image.architecture.clone(),
            foreign: Vec::new(),
            components: image.components.clone(),
            suites: self.recipe.suites.clone(),
            keyring: None,
        }
    }

    fn mirror(&self) -> Result<Option<Mirror>> {
        if self.options.asking.offline {
            return Ok(None);
        }
        Mirror::find(self.options.mirror.as_deref()).map(Some)
    }

    /// Stage 1: names become exact packages. Where apt must be asked, it is the tools tree's: the
    /// host's apt says no more than how that tree is made.
    pub fn lock(&mut self) -> Result<Lock> {
        let wishes = Wishes::of(self.project, self.recipe, self.services)?;
        let (cache, target, asking) = (self.cache, self.target(), &self.options.asking);
        let known = self.timings.stage("known lock", |note| {
            let known = plan::known(cache, &wishes, &target, asking)?;
            note.cached = known.is_some();
            Ok(known)
        })?;
        if let Some(lock) = known {
            return Ok(lock);
        }
        self.ui.say("resolving packages …");
        let mirror = Mirror::find(self.options.mirror.as_deref())?;
        let archive = plan::Archive { cache, target: &target, mirror: &mirror, refresh: asking.refresh };
        let first = self.timings.stage("resolve tools", |_| plan::tools(&archive, &wishes))?;
        self.fetch(&first, &[Part::Tools])?;
        let tools = self.tree(&first, "tools", Part::Tools)?.folder.join("tree");
        self.timings.stage("resolve", |note| {
            let lock = plan::resolve(&archive, &wishes, &tools)?;
            note.bytes = lock.packages.iter().map(|entry| entry.size).sum();
            Ok(lock)
        })
    }

    /// Stage 2: the packages come into the cache.
    pub fn fetch(&mut self, lock: &Lock, parts: &[Part]) -> Result<()> {
        let wanted: Vec<_> =
            lock.packages.iter().filter(|entry| parts.contains(&entry.part)).cloned().collect();
        let debs = self.cache.debs();
        if fetch::missing(&debs, &wanted).is_empty() {
            return self.timings.stage("fetch", |note| {
                note.cached = true;
                Ok(())
            });
        }
        let mirror = self.mirror()?;
        let bar = self.ui.step("fetching packages");
        self.timings.stage("fetch", |note| {
            note.bytes = fetch::fetch(&debs, mirror.as_ref(), &wanted, &bar)?;
            Ok(())
        })
    }

    /// A helper tree: tools, compiler, test clients.
    pub fn tree(&mut self, lock: &Lock, name: &str, part: Part) -> Result<crate::stage::Made> {
        let (entries, debs) = (lock.part(part), self.cache.debs());
        let order = order(lock, &entries, &debs);
        let shelf = self.cache.folder("trees")?;
        let ui = self.ui;
        self.timings.stage(&format!("{name} tree"), |note| {
            let kept = question(&shelf, name, &order.inputs(name, 1)).kept;
            let _bar = (!kept).then(|| ui.step(&format!("making the {name} tree")));
            let made = tree::helper(&shelf, name, &Maker::Host, &order)?;
            note.cached = made.cached;
            Ok(made)
        })
    }

    /// The box's programs.
    fn program(&mut self, lock: &Lock) -> Result<Compiled> {
        let (entries, debs) = (lock.part(Part::Compile), self.cache.debs());
        let order = order(lock, &entries, &debs);
        let compiler = order.inputs("compile", 1).key();
        let (cache, project, ui) = (self.cache, self.project, self.ui);
        let (architecture, offline) = (self.recipe.image.architecture.clone(), self.options.asking.offline);
        let shelf = cache.folder("trees")?;
        let programs = compile::programs(self.services);
        self.timings.stage("compile programs", |note| {
            let asked = (programs.as_slice(), offline);
            let compiled = compile::compiled(cache, project, compiler, &architecture, asked, || {
                let _bar = ui.step("making the compile tree, compiling the box's programs");
                let made = tree::helper(&shelf, "compile", &Maker::Host, &order)?;
                Ok(made.folder.join("tree"))
            })?;
            note.cached = compiled.cached;
            Ok(compiled)
        })
    }

    /// Stage 3: the layers.
    fn layers(&mut self, lock: &Lock, tools: &crate::stage::Made, program: &Compiled) -> Result<Stack> {
        let (shelf, tree) = (self.cache.folder("layers")?, tools.folder.join("tree"));
        let shop = Workshop { shelf: &shelf, tools: &tree, tools_key: tools.key, timings: self.timings };
        let base = self.debian(lock, &shop, None)?;
        let services = self.debian(lock, &shop, Some(&base))?;
        let firmware = self.project.firmware(&self.recipe.image.hardware);
        let (entries, debs) = (lock.part(Part::Base), self.cache.debs());
        let ui = self.ui;
        let inputs = initrd::inputs(base.key, services.key, &firmware)?;
        let kept = question(&shelf, "initrd", &inputs).kept;
        let initrd = self.timings.stage("initrd", |note| {
            let _bar = (!kept).then(|| ui.step("making the initial RAM disk"));
            let made = initrd::make(&shop, &base, &services, &firmware, &order(lock, &entries, &debs))?;
            note.cached = made.cached;
            Ok(made)
        })?;
        let programs = image::hardware(&self.recipe.image.hardware)?.programs(&shop, &firmware)?;
        let below = Below { base, services, initrd };
        let (house, info) = self.house(lock, &shop, &below, program, &programs)?;
        Ok(Stack { below, house, programs, info })
    }

    fn debian(&mut self, lock: &Lock, shop: &Workshop<'_>, below: Option<&Layer>) -> Result<Layer> {
        let part = if below.is_none() { Part::Base } else { Part::Services };
        let (entries, debs) = (lock.part(part), self.cache.debs());
        let order = order(lock, &entries, &debs);
        let users = users(self.services, part);
        let early = early(self.project, self.services);
        let name = if below.is_none() { "base layer" } else { "services layer" };
        let ui = self.ui;
        self.timings.stage(name, |note| {
            let inputs = match below {
                None => debian::base_inputs(shop, &order, &users),
                Some(base) => debian::services_inputs(base.key, &order, &users, &early)?,
            };
            let kept = question(shop.shelf, name.trim_end_matches(" layer"), &inputs).kept;
            let _bar = (!kept).then(|| ui.step(&format!("making the {name}")));
            let layer = match below {
                None => debian::base(shop, &order, &users)?,
                Some(base) => debian::services(shop, base, &lock.part(Part::Base), &order, (&users, &early))?,
            };
            note.cached = layer.cached;
            note.bytes = size(&layer.squashfs());
            Ok(layer)
        })
    }

    fn house(
        &mut self,
        lock: &Lock,
        shop: &Workshop<'_>,
        below: &Below,
        program: &Compiled,
        programs: &[PathBuf],
    ) -> Result<(Layer, ImageInfo)> {
        let Below { base, services, initrd } = below;
        let keys = [
            ("base", base.key),
            ("services", services.key),
            ("initrd", initrd.key),
            ("programs", program.key),
            ("tools", shop.tools_key),
        ];
        // What the image says of itself follows from these alone: it adds nothing to them.
        let inputs = self.house_inputs(&keys)?;
        let info = self.info(below, inputs.key())?;
        let contents = house::Contents {
            project: self.project,
            services: self.services,
            suites: &self.recipe.suites,
            base: &base.tree(),
            compiled: &program.programs,
            info: &info,
            programs,
            epoch: lock.epoch,
        };
        let layer = self.timings.stage("box layer", |note| {
            let layer = house::make(shop.shelf, shop.tools, &contents, &inputs)?;
            note.cached = layer.cached;
            note.bytes = size(&layer.squashfs());
            Ok(layer)
        })?;
        Ok((layer, info))
    }

    /// What the image says of itself; `digest` names the build.
    fn info(&self, below: &Below, digest: Digest) -> Result<ImageInfo> {
        let image = &self.recipe.image;
        Ok(ImageInfo {
            name: image.name.clone(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            release: image.release.clone(),
            architecture: image.architecture.clone(),
            hardware: image.hardware.clone(),
            services: self.services.iter().map(|manifest| manifest.service.name.clone()).collect(),
            alternatives: self.recipe.alternatives.clone(),
            kernel: below.initrd.kernel.clone(),
            kernel_arguments: image.kernel_arguments.clone(),
            volume_id: digest.to_string()[..8].to_owned(),
            digest: digest.to_string(),
            layers: LAYERS.map(|name| format!("{name}.squashfs")).to_vec(),
            unpacked_bytes: below.base.unpacked_bytes()? + below.services.unpacked_bytes()?,
        })
    }

    /// Stage 4: the image, and what stands beside it.
    fn image(&mut self, lock: &Lock, tools: &Path, stack: &Stack) -> Result<Built> {
        let Stack { below, house, programs, info } = stack;
        let mut inputs = Inputs::new("image", 2);
        inputs.digest("box", house.key);
        inputs.text("filling", include_str!("image/fill.sh"));
        let firmware = self.project.firmware(&self.recipe.image.hardware);
        let layers = [&below.base, &below.services, house].map(Layer::squashfs);
        let parts = assemble::Parts {
            tools: &tools.join("tree"),
            info,
            firmware: &firmware,
            hardware: image::hardware(&self.recipe.image.hardware)?,
            programs,
            kernel: &below.initrd.folder,
            base: &below.base.tree(),
            layers: &layers,
            digest: inputs.key(),
            epoch: lock.epoch,
        };
        let output = self.options.output.join(format!("{}.img", self.recipe.image.name));
        let trees = [below.base.tree(), below.services.tree()];
        let made = beside::Made { image: &output, key: inputs.key(), info, lock, trees: &trees };
        let (cache, ui, budget) = (self.cache, self.ui, self.recipe.image.size_budget_mib);
        let cached = self.timings.stage("image", |note| {
            note.cached = made.is_current();
            if !note.cached {
                let _bar = ui.step("assembling the image");
                write_image(cache, &parts, &made, budget)?;
            }
            note.bytes = size(&output);
            Ok(note.cached)
        })?;
        Ok(Built { image: output, cached, info: info.clone(), lock: lock.clone() })
    }
}

impl Build<'_> {
    /// For each cached stage: is its result kept, and what changed since?
    ///
    /// # Errors
    /// When there is no lock, or a source cannot be read.
    pub fn questions(&mut self) -> Result<Vec<Question>> {
        let lock = self.lock()?;
        let debs = self.cache.debs();
        let [tools, compile, base, services] =
            [Part::Tools, Part::Compile, Part::Base, Part::Services].map(|part| lock.part(part));
        let order = |entries| order(&lock, entries, &debs);
        let trees = self.cache.folder("trees")?;
        let shelf = self.cache.folder("layers")?;
        let tools = order(&tools[..]).inputs("tools", 1);
        let shop = Workshop { shelf: &shelf, tools: &trees, tools_key: tools.key(), timings: self.timings };
        let compiler = order(&compile[..]).inputs("compile", 1).key();
        let programs = compile::programs(self.services);
        let program = compile::inputs(self.project, compiler, &self.recipe.image.architecture, &programs)?;
        let base = debian::base_inputs(&shop, &order(&base[..]), &users(self.services, Part::Base));
        let above = users(self.services, Part::Services);
        let early = early(self.project, self.services);
        let services = debian::services_inputs(base.key(), &order(&services[..]), &above, &early)?;
        let hardware = &self.recipe.image.hardware;
        let initrd = initrd::inputs(base.key(), services.key(), &self.project.firmware(hardware))?;
        let keys = [
            ("base", base.key()),
            ("services", services.key()),
            ("initrd", initrd.key()),
            ("programs", program.key()),
            ("tools", tools.key()),
        ];
        let house = self.house_inputs(&keys)?;
        Ok(vec![
            question(&trees, "tools", &tools),
            question(&self.cache.folder("programs")?, compile::STAGE, &program),
            question(&shelf, "base", &base),
            question(&shelf, "services", &services),
            question(&shelf, "initrd", &initrd),
            question(&shelf, "box", &house),
        ])
    }

    /// All that decides our own layer.
    fn house_inputs(&self, keys: &[(&str, Digest)]) -> Result<Inputs> {
        let mut inputs = house::inputs(self.project, self.services, &self.recipe.image.hardware, keys)?;
        inputs.text("recipe", serde_json::to_string(self.recipe)?);
        Ok(inputs)
    }
}

/// Packages of a lock, to make a tree or a layer of.
fn order<'a>(lock: &'a Lock, entries: &'a [Entry], debs: &'a Path) -> Order<'a> {
    Order { release: &lock.release, architecture: &lock.architecture, entries, epoch: lock.epoch, debs }
}

/// Writes the image under another name, then what stands beside it, then names it.
fn write_image(
    cache: &Cache,
    parts: &assemble::Parts<'_>,
    made: &beside::Made<'_>,
    budget_mib: u64,
) -> Result<()> {
    let folder = made.image.parent().unwrap_or(made.image);
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    let scratch = tempfile::tempdir_in(cache.folder("scratch")?).context("making a scratch folder")?;
    let partial =
        tempfile::Builder::new().prefix(".image").tempdir_in(folder).context("making a scratch folder")?;
    let image = partial.path().join("image");
    assemble::assemble(parts, scratch.path(), &image)?;
    let mib = size(&image).div_ceil(1 << 20);
    if mib > budget_mib {
        bail!(
            "the image has {mib} MiB, its recipe allows {budget_mib}: take packages out, or raise size-budget-mib"
        );
    }
    made.write(&image, parts.tools)?;
    crate::release::withdraw(made.image)?;
    fs::rename(&image, made.image).with_context(|| format!("naming {}", made.image.display()))
}

fn size(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |meta| meta.len())
}

/// System users of the services in a part: those of `base` in the base layer.
fn users(services: &[Manifest], part: Part) -> Vec<User> {
    let here = |manifest: &&Manifest| (manifest.service.name == plan::BASE) == (part == Part::Base);
    services.iter().filter(here).flat_map(|manifest| manifest.users.clone()).collect()
}

/// Files of the services that are laid before their packages are configured.
fn early(project: &Project, services: &[Manifest]) -> Vec<Early> {
    let of = |manifest: &Manifest| {
        let overlay = project.overlays().join(&manifest.service.name);
        let early = manifest.files.iter().filter(|file| file.early);
        let file = |file: &OverlayFile| Early {
            source: overlay.join(&file.source),
            target: file.target.clone(),
            mode: file.mode.clone(),
        };
        early.map(file).collect::<Vec<_>>()
    };
    services.iter().flat_map(of).collect()
}
