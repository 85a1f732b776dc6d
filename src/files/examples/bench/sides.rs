//! Who is compared: the program and mod_dav, each asked directly and behind the box's nginx.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use mazet_database::testing::program;
use mazet_files::testing::front::{Front, Fronts, NGINX, Running, free_port};
use mazet_files::testing::program::Program;
use mazet_files::testing::{PASSWORD, TestBox, test_box};
use mazet_model::virtual_host::VirtualHost;
use rustix::fs::{IFlags, ioctl_getflags, ioctl_setflags};
use tokio::process::Command;

/// Whose files are read and written.
pub const LOGIN: &str = "zoe";

/// Name of the folder that is flushed.
const FLUSHED: &str = "flushed";

/// One way to files.
pub struct Side {
    /// Address of the root, without a slash at its end.
    pub address: String,
    /// It is asked by this socket.
    pub socket: Option<PathBuf>,
    /// Where its files lie.
    pub folder: PathBuf,
}

/// All of them.
pub struct Sides {
    /// The box of the program.
    pub home: TestBox,
    /// The program.
    program: Program,
    _apache: Running,
    _nginx: Front,
    /// The program and mod_dav, asked directly.
    pub direct: [Side; 2],
    /// mod_dav in a folder whose file system flushes whatever is written there: what it answers for, a power
    /// cut spares, as the program does by itself. None where the file system cannot.
    pub flushed: Option<Side>,
    /// The same behind nginx.
    pub behind: [Side; 2],
    /// Where sync clients find the program.
    pub https: String,
}

impl Sides {
    /// Starts them.
    pub async fn start(path: &Path) -> Self {
        let home = test_box().await.expect("PostgreSQL");
        let program = Program::start(Command::new(path), &home, &home.folder).await;
        // Makes the person's space.
        home.storage.view(LOGIN).await.expect("a view");
        let mut fronts = Fronts::lay_out(&home, &program.socket);
        let (apache, port) = apache(&home.folder.join("apache")).await;
        fronts.manifest.vhosts.push(VirtualHost {
            proxy: Some(format!("127.0.0.1:{port}")),
            upload_mib: 0,
            streaming: true,
            plain: true,
            ..VirtualHost::at("/mod_dav/")
        });
        let nginx = fronts.start(NGINX).await;
        let (ours, theirs) = (home.folder.join("people/zoe/files"), home.folder.join("apache/files/mod_dav"));
        let side = |address: String, socket: Option<&PathBuf>, folder: &Path| Side {
            address,
            socket: socket.cloned(),
            folder: folder.to_owned(),
        };
        let front = format!("http://127.0.0.1:{}", nginx.http);
        Self {
            direct: [
                side("http://mazet.local/dav".to_owned(), Some(&program.socket), &ours),
                side(format!("http://127.0.0.1:{port}/mod_dav"), None, &theirs),
            ],
            flushed: flushing(&theirs)
                .map(|folder| side(format!("http://127.0.0.1:{port}/mod_dav/{FLUSHED}"), None, &folder)),
            behind: [
                side(format!("{front}/dav"), None, &ours),
                side(format!("{front}/mod_dav"), None, &theirs),
            ],
            https: format!("https://127.0.0.1:{}", nginx.https),
            home,
            program,
            _apache: apache,
            _nginx: nginx,
        }
    }

    /// The program's share of the memory that it uses, in KiB: what others use too is divided among them.
    pub fn memory(&self) -> u64 {
        self.program.memory("Pss")
    }
}

/// A folder below that one where writes wait for the disk, names too (chattr(1), `S` and `D`).
fn flushing(folder: &Path) -> Option<PathBuf> {
    let folder = folder.join(FLUSHED);
    fs::create_dir_all(&folder).expect("made");
    fs::set_permissions(&folder, Permissions::from_mode(0o777)).expect("set");
    let file = fs::File::open(&folder).expect("opened");
    let flags = ioctl_getflags(&file).ok()? | IFlags::SYNC | IFlags::DIRSYNC;
    ioctl_setflags(&file, flags).is_ok().then_some(folder)
}

/// Apache with mod_dav alone, at a port of its own: with a password whose check costs it next to nothing.
async fn apache(folder: &Path) -> (Running, u16) {
    let port = free_port();
    let files = folder.join("files/mod_dav");
    fs::create_dir_all(&files).expect("made");
    for folder in [folder, &files] {
        fs::set_permissions(folder, Permissions::from_mode(0o777)).expect("set");
    }
    let output = program(&["htpasswd", "-nbs", LOGIN, PASSWORD]).output().expect("htpasswd");
    fs::write(folder.join("passwords"), output.stdout).expect("written");
    let modules =
        ["mpm_event", "auth_basic", "authn_core", "authn_file", "authz_core", "authz_user", "dav", "dav_fs"];
    let modules = modules
        .map(|name| format!("LoadModule {name}_module /usr/lib/apache2/modules/mod_{name}.so\n"))
        .concat();
    let place = folder.display();
    let text = format!(
        "{modules}User www-data\nGroup www-data\nServerName localhost\nServerRoot {place}\nPidFile {place}/pid\n\
         DefaultRuntimeDir {place}\nErrorLog {place}/log\nListen 127.0.0.1:{port}\nKeepAlive On\n\
         MaxKeepAliveRequests 0\nDavLockDB {place}/locks\nDocumentRoot {place}/files\n\
         <Directory {place}/files>\nDav On\nAuthType Basic\nAuthName bench\nAuthUserFile {place}/passwords\n\
         Require valid-user\n</Directory>\n"
    );
    let configuration = folder.join("mod_dav.conf").display().to_string();
    fs::write(&configuration, text).expect("written");
    let words = ["/usr/sbin/apache2", "-DFOREGROUND", "-f", &configuration];
    (Running::start(&words, &folder.join("said"), port).await, port)
}
