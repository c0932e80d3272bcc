//! Where Python is installed: `sys.prefix`, `sys.base_prefix` and their like.
//!
//! The library lies inside the executable, so there is nothing to search for: the base prefix is the directory
//! above the one the executable really lies in. A `pyvenv.cfg` beside the executable, or one directory above,
//! makes its directory the prefix, and the executable's `home` says where the base is.

use std::path::{Path, PathBuf};

/// What the start of the interpreter found out.
pub struct Places {
    /// `sys.prefix` and `sys.exec_prefix`.
    pub prefix: String,
    pub exec_prefix: String,
    /// The same outside of the virtual environment.
    pub base_prefix: String,
    pub base_exec_prefix: String,
    /// `sys._base_executable`.
    pub base_executable: String,
    /// `sys._home`: what `pyvenv.cfg` says.
    pub home: Option<String>,
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

/// The values of `home` and `executable` in a configuration.
fn read_configuration(file: &Path) -> Option<(Option<String>, Option<String>)> {
    let bytes = std::fs::read(file).ok()?;
    let (mut home, mut executable) = (None, None);
    for line in String::from_utf8_lossy(&bytes).lines() {
        let Some((key, value)) = line.split_once('=') else { continue };
        match key.trim().to_lowercase().as_str() {
            "home" => home = Some(value.trim().to_string()),
            "executable" => executable = Some(value.trim().to_string()),
            _ => {}
        }
    }
    Some((home, executable))
}

/// The interpreter in `home` that stands behind the `executable` of a virtual environment.
fn base_of(executable: &Path, home: &Path, recorded: Option<String>) -> PathBuf {
    let named = executable.file_name().map(|name| home.join(name));
    let real = std::fs::canonicalize(executable).ok();
    let behind = real.as_deref().and_then(Path::file_name).map(|name| home.join(name));
    let usual = ["python3.14", "python3", "python"].map(|name| Some(home.join(name)));
    [named, behind, recorded.map(PathBuf::from)]
        .into_iter()
        .chain(usual)
        .flatten()
        .find(|candidate| candidate.is_file())
        .unwrap_or_else(|| executable.to_path_buf())
}

/// Finds the places of an executable; `python_home` is the environment's PYTHONHOME.
pub fn find(executable: &str, python_home: Option<&str>) -> Places {
    let path = Path::new(executable);
    let directory = path.parent().unwrap_or(Path::new("/"));
    let mut base_executable = path.to_path_buf();
    let (mut virtual_prefix, mut home) = (None, None);
    if !executable.is_empty() {
        for candidate in [Some(directory), directory.parent()].into_iter().flatten() {
            let Some((place, recorded)) = read_configuration(&candidate.join("pyvenv.cfg")) else { continue };
            if let Some(place) = place {
                base_executable = base_of(path, Path::new(&place), recorded);
                virtual_prefix = Some(text(candidate));
                home = Some(place);
            }
            break;
        }
    }
    let (base_prefix, base_exec_prefix) = match python_home.filter(|value| !value.is_empty()) {
        Some(value) => {
            let (prefix, exec_prefix) = value.split_once(':').unwrap_or((value, value));
            (prefix.to_string(), exec_prefix.to_string())
        }
        None => {
            let bin = match &home {
                Some(home) => Some(PathBuf::from(home)),
                None if executable.is_empty() => None,
                None => std::fs::canonicalize(path)
                    .ok()
                    .as_deref()
                    .unwrap_or(path)
                    .parent()
                    .map(Path::to_path_buf),
            };
            let prefix = match bin.as_deref().map(|bin| bin.parent().unwrap_or(bin)) {
                Some(prefix) if !prefix.as_os_str().is_empty() => text(prefix),
                _ => "/usr/local".to_string(),
            };
            (prefix.clone(), prefix)
        }
    };
    Places {
        prefix: virtual_prefix.clone().unwrap_or_else(|| base_prefix.clone()),
        exec_prefix: virtual_prefix.unwrap_or_else(|| base_exec_prefix.clone()),
        base_prefix,
        base_exec_prefix,
        base_executable: text(&base_executable),
        home,
    }
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn virtual_environment() {
        let root = std::env::temp_dir().join(format!("taipan-places-{}", std::process::id()));
        let (bin, base) = (root.join("env/bin"), root.join("base/bin"));
        std::fs::create_dir_all(&bin).expect("bin");
        std::fs::create_dir_all(&base).expect("base");
        std::fs::write(base.join("taipan"), "").expect("taipan");
        std::fs::write(bin.join("python"), "").expect("python");
        let configuration =
            format!("Home = {}\nexecutable = {}\n", base.display(), base.join("taipan").display());
        std::fs::write(root.join("env/pyvenv.cfg"), configuration).expect("pyvenv.cfg");
        let places = find(&bin.join("python").to_string_lossy(), None);
        assert_eq!(places.prefix, root.join("env").to_string_lossy());
        assert_eq!(places.base_prefix, root.join("base").to_string_lossy());
        assert_eq!(places.base_executable, base.join("taipan").to_string_lossy());
        assert_eq!(find(&base.join("taipan").to_string_lossy(), Some("/a:/b")).exec_prefix, "/b");
        assert_eq!(find("", None).prefix, "/usr/local");
        let _ = std::fs::remove_dir_all(root);
    }
}
