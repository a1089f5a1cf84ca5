//! Source files of a crate use each other in one direction: no circle.
//!
//! A file uses another one if it names something that is defined there, by a path of `crate`, `self` or `super`. The
//! declaration of a module does not count, and a name that a module hands on (`pub use`) is that of the file that defines it. Code
//! that only tests compile is left out.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

use syn::{Attribute, Item, UseTree, visit::Visit};

/// The path of a module from the root of its crate.
type Module = Vec<String>;

/// The modules of a crate.
#[derive(Default)]
struct Crate {
    /// The file of each module. An inline module has that of the module around it.
    files: BTreeMap<Module, PathBuf>,
    /// What a module hands on under which name.
    reexports: BTreeMap<(Module, String), Module>,
    /// The paths that a module names.
    paths: Vec<(Module, Module)>,
}

/// The paths of one module.
struct Paths<'a> {
    module: &'a Module,
    found: Vec<Module>,
}

#[test]
fn no_source_files_use_each_other_in_a_circle() {
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let mut files = 0;
    for directory in fs::read_dir(crates).unwrap() {
        let source = directory.unwrap().path().join("src");
        // A crate with both has one tree: `main.rs` uses its library by its name.
        for root in ["lib.rs", "main.rs"].map(|name| source.join(name)) {
            if root.exists() {
                let read = Crate::read(&root);
                let uses = read.uses();
                files += uses.len();
                assert_eq!(circle(&uses), None, "{}", root.display());
            }
        }
    }
    assert!(files > 200, "{files} files use others: are they read?");
}

#[test]
fn circle_through_a_module_and_a_name_handed_on_is_found() {
    let directory = std::env::temp_dir().join(format!("circles-{}", std::process::id()));
    let write = |name: &str, text: &str| fs::write(directory.join(name), text).unwrap();
    fs::create_dir_all(directory.join("outer")).unwrap();
    write("lib.rs", "mod outer; mod other; use outer::Inner;");
    write("outer.rs", "mod inner; pub use inner::Inner;");
    write(
        "outer/inner.rs",
        "pub struct Inner; impl Inner { fn f() { crate::other::g(); } }",
    );
    write("other.rs", "pub fn g() {}");
    assert_eq!(circle(&Crate::read(&directory.join("lib.rs")).uses()), None);
    write(
        "other.rs",
        "pub fn g() {} #[cfg(test)] mod tests { use crate::outer::Inner; }",
    );
    assert_eq!(circle(&Crate::read(&directory.join("lib.rs")).uses()), None);
    write(
        "other.rs",
        "pub fn g() { println!(\"{}\", crate::outer::Inner::new()); }",
    );
    assert!(
        circle(&Crate::read(&directory.join("lib.rs")).uses()).is_some(),
        "a name inside the call of a macro"
    );
    write("other.rs", "use super::outer; pub fn g() -> outer::Inner { loop {} }");
    let read = Crate::read(&directory.join("lib.rs"));
    let found = circle(&read.uses());
    fs::remove_dir_all(&directory).unwrap();
    let names: BTreeSet<_> = found
        .unwrap()
        .iter()
        .map(|file| file.file_name().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!(names, BTreeSet::from(["inner.rs".to_owned(), "other.rs".to_owned()]));
}

impl Crate {
    fn read(root: &Path) -> Self {
        let mut read = Self::default();
        let directory = root.parent().unwrap().to_owned();
        read.read_file(&Module::new(), root, &directory);
        read
    }

    /// Reads a module and those that it declares, which are files in `directory`.
    fn read_file(&mut self, module: &Module, file: &Path, directory: &Path) {
        let text = fs::read_to_string(file).unwrap();
        let parsed = syn::parse_file(&text).unwrap_or_else(|error| panic!("{}: {error}", file.display()));
        self.read_items(module, &parsed.items, file, directory);
    }

    fn read_items(&mut self, module: &Module, items: &[Item], file: &Path, directory: &Path) {
        self.files.insert(module.clone(), file.to_owned());
        let mut paths = Paths {
            module,
            found: Vec::new(),
        };
        for item in items {
            match item {
                Item::Mod(inner) if is_for_tests(&inner.attrs) => {}
                Item::Mod(inner) => {
                    let name = inner.ident.to_string();
                    let path = child(module, &name);
                    let below = directory.join(&name);
                    if let Some((_, items)) = &inner.content {
                        self.read_items(&path, items, file, &below);
                    } else {
                        let beside = directory.join(format!("{name}.rs"));
                        let inside = below.join("mod.rs");
                        self.read_file(&path, if beside.exists() { &beside } else { &inside }, &below);
                    }
                }
                Item::Use(item) if is_for_tests(&item.attrs) => {}
                Item::Use(item) => {
                    let mut leaves = Vec::new();
                    flatten(&item.tree, &Vec::new(), &mut leaves);
                    for (name, path) in leaves {
                        let target = absolute(module, &path);
                        // A use of the name is one of the file that defines it.
                        self.reexports.insert((module.clone(), name), target.clone());
                        if matches!(item.vis, syn::Visibility::Inherited) {
                            paths.found.push(target);
                        }
                    }
                }
                Item::Fn(item) if is_for_tests(&item.attrs) => {}
                Item::Impl(item) if is_for_tests(&item.attrs) => {}
                other => paths.visit_item(other),
            }
        }
        let found = paths.found.into_iter().map(|path| (module.clone(), path));
        self.paths.extend(found);
    }

    /// Which files each file uses.
    fn uses(&self) -> BTreeMap<&Path, BTreeSet<&Path>> {
        let mut uses: BTreeMap<&Path, BTreeSet<&Path>> = BTreeMap::new();
        for (module, path) in &self.paths {
            let from = self.files[module].as_path();
            if let Some(to) = self.resolve(path, 0).filter(|to| *to != from) {
                uses.entry(from).or_default().insert(to);
            }
        }
        uses
    }

    /// The file that defines what the path names; for a path of another crate, the file that names it.
    fn resolve(&self, path: &[String], depth: usize) -> Option<&Path> {
        let longest = (0..=path.len())
            .rev()
            .find(|length| self.files.contains_key(&path[..*length]))?;
        let (module, rest) = path.split_at(longest);
        let Some((name, rest)) = rest.split_first() else {
            return Some(&self.files[module]);
        };
        // A name that is handed on in a circle does not compile; a limit is simpler than a proof.
        match self.reexports.get(&(module.to_vec(), name.clone())) {
            Some(target) if depth < 8 => {
                let target: Vec<_> = target.iter().chain(rest).cloned().collect();
                self.resolve(&target, depth + 1)
            }
            _ => Some(&self.files[module]),
        }
    }
}

impl<'ast> Visit<'ast> for Paths<'_> {
    fn visit_path(&mut self, path: &'ast syn::Path) {
        let segments: Vec<_> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
        // One segment is a name of the same file, one that a `use` brought in, or the `crate` of `pub(crate)`.
        if path.leading_colon.is_none() && segments.len() > 1 {
            self.found.push(absolute(self.module, &segments));
        }
        syn::visit::visit_path(self, path);
    }

    /// What a macro is called with has no syntax yet: every sequence of names and `::` counts as a path.
    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        let text = call.tokens.to_string();
        let mut segments: Vec<String> = Vec::new();
        let mut is_open = false;
        for token in text.split_whitespace().chain([";"]) {
            let name = token.trim_start_matches(|character: char| !character.is_alphanumeric() && character != '_');
            if token == "::" {
                is_open = true;
                continue;
            }
            if !is_open {
                if segments.len() > 1 {
                    self.found.push(absolute(self.module, &segments));
                }
                segments.clear();
            }
            is_open = false;
            segments.push(name.to_owned());
        }
        syn::visit::visit_macro(self, call);
    }
}

fn is_for_tests(attributes: &[Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) => list.path.is_ident("cfg") && list.tokens.to_string().contains("test"),
        _ => attribute.path().is_ident("test"),
    })
}

fn child(module: &[String], name: &str) -> Module {
    module.iter().cloned().chain([name.to_owned()]).collect()
}

/// The path from the root of the crate. One that begins with a name begins in the module.
fn absolute(module: &[String], path: &[String]) -> Module {
    let mut base = module.to_vec();
    let mut rest = path;
    while let Some((first, after)) = rest.split_first() {
        match first.as_str() {
            "crate" => base.clear(),
            "super" => drop(base.pop()),
            "self" => {}
            _ => break,
        }
        rest = after;
    }
    base.into_iter().chain(rest.iter().cloned()).collect()
}

/// Name and path of everything that a `use` brings in.
fn flatten(tree: &UseTree, before: &Vec<String>, leaves: &mut Vec<(String, Vec<String>)>) {
    match tree {
        UseTree::Path(path) => flatten(&path.tree, &child(before, &path.ident.to_string()), leaves),
        UseTree::Name(name) if name.ident == "self" => {
            leaves.push((before.last().cloned().unwrap_or_default(), before.clone()));
        }
        UseTree::Name(name) => {
            let name = name.ident.to_string();
            leaves.push((name.clone(), child(before, &name)));
        }
        UseTree::Rename(rename) => leaves.push((rename.rename.to_string(), child(before, &rename.ident.to_string()))),
        UseTree::Glob(_) => leaves.push(("*".to_owned(), before.clone())),
        UseTree::Group(group) => {
            for tree in &group.items {
                flatten(tree, before, leaves);
            }
        }
    }
}

/// A circle, if there is one: its files in the order of their uses.
fn circle<'a>(uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>) -> Option<Vec<&'a Path>> {
    fn visit<'a>(
        file: &'a Path,
        uses: &BTreeMap<&'a Path, BTreeSet<&'a Path>>,
        way: &mut Vec<&'a Path>,
        done: &mut BTreeSet<&'a Path>,
    ) -> Option<Vec<&'a Path>> {
        if let Some(start) = way.iter().position(|visited| *visited == file) {
            return Some(way[start..].to_vec());
        }
        if done.contains(file) {
            return None;
        }
        way.push(file);
        for used in uses.get(file).into_iter().flatten() {
            if let Some(circle) = visit(used, uses, way, done) {
                return Some(circle);
            }
        }
        way.pop();
        done.insert(file);
        None
    }
    let mut done = BTreeSet::new();
    uses.keys()
        .find_map(|file| visit(file, uses, &mut Vec::new(), &mut done))
}
