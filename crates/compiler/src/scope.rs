//! The data of a symbol table: scopes and the flags of their symbols.
//!
//! Numbers are CPython's, so that `_symtable` can hand them out as they are.
//! Filled by [`crate::symtable`], completed by [`crate::analysis`].

use crate::names::{FastMap, NameId, Names};
use taipan_syntax::ast::Range;

/// Bits of a symbol's flags.
#[allow(missing_docs)]
pub mod symbol {
    pub const DEF_GLOBAL: u32 = 1;
    pub const DEF_LOCAL: u32 = 2;
    pub const DEF_PARAM: u32 = 4;
    pub const DEF_NONLOCAL: u32 = 8;
    pub const USE: u32 = 16;
    pub const DEF_FREE_CLASS: u32 = 64;
    pub const DEF_IMPORT: u32 = 128;
    pub const DEF_ANNOT: u32 = 256;
    pub const DEF_COMP_ITER: u32 = 512;
    pub const DEF_TYPE_PARAM: u32 = 1024;
    pub const DEF_COMP_CELL: u32 = 2048;
    pub const DEF_BOUND: u32 = DEF_LOCAL | DEF_PARAM | DEF_IMPORT | DEF_TYPE_PARAM;
    pub const SCOPE_OFFSET: u32 = 12;
    pub const SCOPE_MASK: u32 = 15;
    pub const LOCAL: u32 = 1;
    pub const GLOBAL_EXPLICIT: u32 = 2;
    pub const GLOBAL_IMPLICIT: u32 = 3;
    pub const FREE: u32 = 4;
    pub const CELL: u32 = 5;
    /// Ours: the name came in only by inlining a comprehension. Not for `_symtable`.
    pub const FROM_COMPREHENSION: u32 = 1 << 24;
    /// The bits `_symtable` shows.
    pub const PUBLIC: u32 = 0xffff;
}

/// Index of a scope in [`Symtable::scopes`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ScopeId(pub u32);

/// What a scope belongs to; values as CPython's `_Py_block_ty`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ScopeKind {
    Function = 0,
    Class = 1,
    Module = 2,
    Annotation = 3,
    TypeAlias = 4,
    TypeParameters = 5,
    TypeVariable = 6,
}

/// Which kind of comprehension a function scope is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum ComprehensionKind {
    No = 0,
    List = 1,
    Dict = 2,
    Set = 3,
    Generator = 4,
}

/// Symbols in order of first appearance.
#[derive(Clone, Debug, Default)]
pub struct Symbols {
    entries: Vec<(NameId, u32)>,
    index: FastMap<NameId, u32>,
}

/// Up to this many symbols a linear search beats the hash map.
const LINEAR: usize = 12;

impl Symbols {
    fn position(&self, name: NameId) -> Option<usize> {
        if self.entries.len() <= LINEAR {
            return self.entries.iter().position(|e| e.0 == name);
        }
        self.index.get(&name).map(|&i| i as usize)
    }
    /// Flags of `name`, if it is here.
    pub fn get(&self, name: NameId) -> Option<u32> {
        self.position(name).map(|i| self.entries[i].1)
    }
    pub(crate) fn set(&mut self, name: NameId, flags: u32) {
        if let Some(i) = self.position(name) {
            self.entries[i].1 = flags;
            return;
        }
        self.entries.push((name, flags));
        if self.entries.len() == LINEAR + 1 {
            self.index = self.entries.iter().enumerate().map(|(i, e)| (e.0, i as u32)).collect();
        } else if self.entries.len() > LINEAR {
            self.index.insert(name, self.entries.len() as u32 - 1);
        }
    }
    pub(crate) fn entries_mut(&mut self) -> &mut [(NameId, u32)] {
        &mut self.entries
    }
    /// All of them, in order of first appearance.
    pub fn iter(&self) -> impl Iterator<Item = (NameId, u32)> + '_ {
        self.entries.iter().copied()
    }
    /// Their number.
    pub fn len(&self) -> usize {
        self.entries.len()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

/// One scope: a module, class, function, comprehension, annotation, …
#[derive(Clone, Debug)]
pub struct Scope {
    /// Its own index.
    pub id: ScopeId,
    /// Its name (`top` for a module).
    pub name: NameId,
    /// What it is.
    pub kind: ScopeKind,
    /// Where it starts.
    pub range: Range,
    /// Names with flags.
    pub symbols: Symbols,
    /// Parameters in order of definition.
    pub varnames: Vec<NameId>,
    /// Scopes inside, in source order, inlined comprehensions dissolved.
    pub children: Vec<ScopeId>,
    /// Inside a function.
    pub nested: bool,
    /// Contains `yield`.
    pub generator: bool,
    /// `async def`, or contains `await`.
    pub coroutine: bool,
    /// `async def` itself.
    pub async_def: bool,
    /// Kind of comprehension.
    pub comprehension: ComprehensionKind,
    /// Has `*args`.
    pub varargs: bool,
    /// Has `**kwargs`.
    pub varkeywords: bool,
    /// Has `return value`.
    pub returns_value: bool,
    /// A class whose body needs the `__class__` cell.
    pub needs_class_closure: bool,
    /// A class whose body needs the `__classdict__` cell.
    pub needs_classdict: bool,
    /// A comprehension inlined into its parent.
    pub inlined: bool,
    /// Defined directly in a class.
    pub method: bool,
    /// An annotation-like scope that sees a class's names.
    pub can_see_class_scope: bool,
    /// `__conditional_annotations__` is needed.
    pub has_conditional_annotations: bool,
    /// Of annotated variables in it.
    pub annotation_block: Option<ScopeId>,
    /// Annotations stand in it (whether evaluated or not).
    pub annotations_used: bool,
    /// Contains a walrus that binds in this scope.
    pub has_walrus: bool,
    pub(crate) in_conditional_block: bool,
    pub(crate) in_unevaluated_annotation: bool,
    pub(crate) comp_iter_target: bool,
    pub(crate) comp_iter_expr: u32,
    pub(crate) scope_info: &'static str,
    pub(crate) mangled_names: Option<Vec<NameId>>,
    pub(crate) directives: Vec<(NameId, Range)>,
}

impl Scope {
    /// Whether it behaves as a function (fast locals, closures).
    pub fn is_function_like(&self) -> bool {
        !matches!(self.kind, ScopeKind::Class | ScopeKind::Module)
    }
    /// The `LOCAL`…`CELL` number of a name, 0 if unknown.
    pub fn scope_of(&self, name: NameId) -> u32 {
        self.symbols.get(name).map_or(0, |f| f >> symbol::SCOPE_OFFSET & symbol::SCOPE_MASK)
    }
}

/// Discriminates scopes that belong to the same tree node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum KeyKind {
    /// The node's own scope.
    Own,
    /// Its type parameters.
    TypeParams,
    /// Its annotations.
    Annotations,
    /// A type variable's bound or constraints.
    Bound,
    /// A type parameter's default.
    Default,
}

pub(crate) type Key = (usize, KeyKind);

/// The address of a node, which identifies it while the tree is borrowed.
pub(crate) fn key<T>(node: &T, kind: KeyKind) -> Key {
    (std::ptr::from_ref(node) as usize, kind)
}

/// All scopes of a module.
#[derive(Debug)]
pub struct Symtable {
    /// The first is the module.
    pub scopes: Vec<Scope>,
    /// Texts of the names.
    pub names: Names,
    /// `CO_FUTURE_*` flags in force.
    pub future: u32,
    pub(crate) map: FastMap<Key2, ScopeId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Key2(pub Key);
impl std::hash::Hash for Key2 {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        state.write_usize(self.0.0.wrapping_mul(8) + self.0.1 as usize);
    }
}

impl Symtable {
    /// The module's scope.
    pub fn top(&self) -> &Scope {
        &self.scopes[0]
    }
    /// A scope by index.
    pub fn scope(&self, id: ScopeId) -> &Scope {
        &self.scopes[id.0 as usize]
    }
    pub(crate) fn find(&self, key: Key) -> Option<ScopeId> {
        self.map.get(&Key2(key)).copied()
    }
}
