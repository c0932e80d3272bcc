//! Second pass of the symbol table: decides for every name of every scope
//! whether it is local, cell, free or global, dissolves inlined comprehensions
//! (PEP 709), and finds what is wrong with `nonlocal`.

use crate::error::{Result, syntax_error};
use crate::names::{FastMap, FastSet, NameId};
use crate::scope::symbol::*;
use crate::scope::{ComprehensionKind, ScopeId, ScopeKind, Symtable};

type Set = FastSet<NameId>;

struct Analysis<'t> {
    table: &'t mut Symtable,
    class: NameId,
    classdict: NameId,
    conditional: NameId,
}

/// Run the pass over all scopes of `table`.
pub(crate) fn analyze(table: &mut Symtable) -> Result<()> {
    let class = table.names.intern("__class__");
    let classdict = table.names.intern("__classdict__");
    let conditional = table.names.intern("__conditional_annotations__");
    let mut analysis = Analysis { table, class, classdict, conditional };
    let mut free = Set::default();
    analysis.block(ScopeId(0), None, &mut free, &mut Set::default(), &mut Set::default(), None)
}

impl Analysis<'_> {
    fn directive_error(&self, scope: ScopeId, name: NameId, message: String) -> Result<()> {
        let scope = self.table.scope(scope);
        let range = scope.directives.iter().find(|d| d.0 == name).map_or(scope.range, |d| d.1);
        syntax_error(range, message)
    }

    #[allow(clippy::too_many_arguments)]
    fn name(
        &self,
        scope: ScopeId,
        scopes: &mut FastMap<NameId, u32>,
        name: NameId,
        flags: u32,
        bound: &mut Option<Set>,
        local: &mut Set,
        free: &mut Set,
        global: &mut Set,
        type_params: &mut Set,
        class_entry: Option<ScopeId>,
    ) -> Result<()> {
        let text = self.table.names.text(name);
        if flags & DEF_GLOBAL != 0 {
            if flags & DEF_NONLOCAL != 0 {
                return self.directive_error(scope, name, format!("name '{text}' is nonlocal and global"));
            }
            scopes.insert(name, GLOBAL_EXPLICIT);
            global.insert(name);
            if let Some(bound) = bound {
                bound.remove(&name);
            }
            return Ok(());
        }
        if flags & DEF_NONLOCAL != 0 {
            let Some(bound) = bound else {
                let message = "nonlocal declaration not allowed at module level".to_string();
                return self.directive_error(scope, name, message);
            };
            if !bound.contains(&name) {
                return self.directive_error(scope, name, format!("no binding for nonlocal '{text}' found"));
            }
            if type_params.contains(&name) {
                let message = format!("nonlocal binding not allowed for type parameter '{text}'");
                return self.directive_error(scope, name, message);
            }
            scopes.insert(name, FREE);
            free.insert(name);
            return Ok(());
        }
        if flags & DEF_BOUND != 0 {
            scopes.insert(name, LOCAL);
            local.insert(name);
            global.remove(&name);
            if flags & DEF_TYPE_PARAM != 0 {
                type_params.insert(name);
            } else {
                type_params.remove(&name);
            }
            return Ok(());
        }
        // An annotation scope that sees a class body must not skip the class's own
        // binding in favour of an enclosing function's.
        if let Some(class) = class_entry.filter(|_| name != self.classdict) {
            let class_flags = self.table.scope(class).symbols.get(name).unwrap_or(0);
            if class_flags & DEF_GLOBAL != 0 {
                scopes.insert(name, GLOBAL_EXPLICIT);
                return Ok(());
            }
            if class_flags & DEF_BOUND != 0 && class_flags & DEF_NONLOCAL == 0 {
                scopes.insert(name, GLOBAL_IMPLICIT);
                return Ok(());
            }
        }
        if bound.as_ref().is_some_and(|b| b.contains(&name)) {
            scopes.insert(name, FREE);
            free.insert(name);
            return Ok(());
        }
        scopes.insert(name, GLOBAL_IMPLICIT);
        Ok(())
    }

    fn block(
        &mut self,
        id: ScopeId,
        bound: Option<&Set>,
        free: &mut Set,
        global: &mut Set,
        type_params: &mut Set,
        class_entry: Option<ScopeId>,
    ) -> Result<()> {
        let mut bound: Option<Set> = bound.cloned();
        let mut local = Set::default();
        let mut scopes: FastMap<NameId, u32> = FastMap::default();
        let mut new_free = Set::default();
        let mut new_bound = Set::default();
        let mut new_global = Set::default();
        let mut inlined_cells = Set::default();
        let (kind, function_like, sees_class) = {
            let scope = self.table.scope(id);
            (scope.kind, scope.is_function_like(), scope.can_see_class_scope)
        };
        let is_class = kind == ScopeKind::Class;
        if is_class {
            new_global.extend(global.iter().copied());
            if let Some(bound) = &bound {
                new_bound.extend(bound.iter().copied());
            }
        }
        let symbols: Vec<(NameId, u32)> = self.table.scope(id).symbols.iter().collect();
        for (name, flags) in symbols {
            self.name(
                id,
                &mut scopes,
                name,
                flags,
                &mut bound,
                &mut local,
                free,
                global,
                type_params,
                class_entry,
            )?;
        }
        if is_class {
            new_bound.extend([self.class, self.classdict, self.conditional]);
        } else {
            if function_like {
                new_bound.extend(local.iter().copied());
            }
            if let Some(bound) = &bound {
                new_bound.extend(bound.iter().copied());
            }
            new_global.extend(global.iter().copied());
        }

        let children = std::mem::take(&mut self.table.scopes[id.0 as usize].children);
        let mut kept = Vec::with_capacity(children.len());
        for child in children {
            let entry = self.table.scope(child);
            let child_class = match entry.can_see_class_scope {
                true if is_class => Some(id),
                true => class_entry,
                false => None,
            };
            let inline = !matches!(entry.comprehension, ComprehensionKind::No | ComprehensionKind::Generator)
                && !sees_class;
            let mut child_free = Set::default();
            let mut child_global = new_global.clone();
            let mut child_types = type_params.clone();
            self.block(
                child,
                Some(&new_bound),
                &mut child_free,
                &mut child_global,
                &mut child_types,
                child_class,
            )?;
            if inline {
                self.inline(id, child, &mut scopes, &mut child_free, &mut inlined_cells);
                let entry = &mut self.table.scopes[child.0 as usize];
                entry.inlined = true;
                kept.extend(entry.children.iter().copied());
            } else {
                kept.push(child);
            }
            new_free.extend(child_free);
        }
        self.table.scopes[id.0 as usize].children = kept;

        if function_like {
            for (name, scope) in scopes.iter_mut() {
                if *scope == LOCAL && (new_free.contains(name) || inlined_cells.contains(name)) {
                    *scope = CELL;
                    new_free.remove(name);
                }
            }
        } else if is_class {
            let scope = &mut self.table.scopes[id.0 as usize];
            if new_free.remove(&self.class) {
                scope.needs_class_closure = true;
            }
            if new_free.remove(&self.classdict) {
                scope.needs_classdict = true;
            }
            if new_free.remove(&self.conditional) {
                scope.has_conditional_annotations = true;
            }
        }

        let symbols = &mut self.table.scopes[id.0 as usize].symbols;
        for (name, flags) in symbols.entries_mut() {
            if inlined_cells.contains(name) {
                *flags |= DEF_COMP_CELL;
            }
            *flags |= scopes.get(name).copied().unwrap_or(0) << SCOPE_OFFSET;
        }
        let mut propagate: Vec<NameId> = new_free.iter().copied().collect();
        propagate.sort_unstable();
        for name in propagate {
            match symbols.get(name) {
                Some(flags) => {
                    if is_class || sees_class {
                        symbols.set(name, flags | DEF_FREE_CLASS);
                    }
                }
                None => {
                    if bound.as_ref().is_none_or(|b| b.contains(&name)) {
                        symbols.set(name, FREE << SCOPE_OFFSET);
                    }
                }
            }
        }
        free.extend(new_free);
        Ok(())
    }

    /// Merge the names of comprehension `comp` into `id`.
    fn inline(
        &mut self,
        id: ScopeId,
        comp: ScopeId,
        scopes: &mut FastMap<NameId, u32>,
        comp_free: &mut Set,
        inlined_cells: &mut Set,
    ) {
        let is_class = self.table.scope(id).kind == ScopeKind::Class;
        let symbols: Vec<(NameId, u32)> = self.table.scope(comp).symbols.iter().collect();
        for (name, flags) in symbols {
            if flags & DEF_PARAM != 0 {
                continue;
            }
            let mut scope = flags >> SCOPE_OFFSET & SCOPE_MASK;
            let only = flags & !(SCOPE_MASK << SCOPE_OFFSET);
            if scope == CELL || only & DEF_COMP_CELL != 0 {
                inlined_cells.insert(name);
            }
            if scope == FREE
                && is_class
                && (name == self.class || name == self.classdict || name == self.conditional)
            {
                scope = GLOBAL_IMPLICIT;
                if !self.free_in_any_child(comp, name) {
                    comp_free.remove(&name);
                }
                self.table.scopes[comp.0 as usize].symbols.set(name, only | GLOBAL_IMPLICIT << SCOPE_OFFSET);
            }
            match self.table.scope(id).symbols.get(name) {
                None => {
                    self.table.scopes[id.0 as usize].symbols.set(name, only | FROM_COMPREHENSION);
                    scopes.insert(name, scope);
                }
                Some(existing) => {
                    // Only a function's name can be what the comprehension means.
                    let same = scope == FREE && only & DEF_BOUND == 0 && !is_class;
                    let used = if same { existing | only & USE } else { existing };
                    self.table.scopes[id.0 as usize].symbols.set(name, used);
                    if existing & DEF_BOUND != 0 && !is_class && !self.free_in_any_child(comp, name) {
                        comp_free.remove(&name);
                    }
                }
            }
        }
    }

    fn free_in_any_child(&self, scope: ScopeId, name: NameId) -> bool {
        self.table.scope(scope).children.iter().any(|&c| self.table.scope(c).scope_of(name) == FREE)
    }
}
