//! `re.Match`: what a successful match leaves behind.

use super::pattern::{PATTERN, Pattern};
use super::subject::Text;
use super::substitute;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, readonly_member, this};
use taipan_runtime::types::genericalias::class_getitem;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::{int, tuple};
use taipan_sre::State;

/// Stands for a group that took no part.
const NO: usize = usize::MAX;

/// Payload of Match.
pub struct Match {
    string: Object,
    pattern: Object,
    pos: usize,
    endpos: usize,
    lastindex: Option<usize>,
    whole: (usize, usize),
    /// The spans of the groups from 1 on.
    groups: Box<[(usize, usize)]>,
}

impl NativeClass for Match {
    fn class() -> &'static Type {
        &MATCH
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.string);
        visitor.visit_object(&self.pattern);
    }
}

pub static MATCH: Type = Type::new::<Match>(
    "re.Match",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots {
        getitem: Some(|vm, object, key| {
            let this = this::<Match>(object);
            let i = group_number(vm, this, key)?;
            group(vm, this, i, &Object::NONE)
        }),
        ..Slots::EMPTY.repr(match_repr)
    },
    &[
        MethodDef::raw("group($self, /, *args)", match_group, "group([group1, ...]) -> str or tuple.\n    Return subgroup(s) of the match by indices or names.\n    For 0 returns the entire match."),
        MethodDef::new("start($self, group=0, /)", |vm, args| edge(vm, args, |s| s.0), "Return index of the start of the substring matched by group."),
        MethodDef::new("end($self, group=0, /)", |vm, args| edge(vm, args, |s| s.1), "Return index of the end of the substring matched by group."),
        MethodDef::new("span($self, group=0, /)", |vm, args| {
            let this = this::<Match>(&args[0]);
            let i = group_number(vm, this, &args[1])?;
            Ok(pair(vm, this.span(i)))
        }, "For match object m, return the 2-tuple (m.start(group), m.end(group))."),
        MethodDef::new("groups($self, /, default=None)", match_groups, "Return a tuple containing all the subgroups of the match, from 1.\n\n  default\n    Is used for groups that did not participate in the match."),
        MethodDef::new("groupdict($self, /, default=None)", match_groupdict, "Return a dictionary containing all the named subgroups of the match, keyed by the subgroup name.\n\n  default\n    Is used for groups that did not participate in the match."),
        MethodDef::new("expand($self, /, template)", match_expand, "Return the string obtained by doing backslash substitution on the string template, as done by the sub() method."),
        MethodDef::new("__copy__($self, /)", |_, args| Ok(args[0].clone()), ""),
        MethodDef::new("__deepcopy__($self, memo, /)", |_, args| Ok(args[0].clone()), ""),
        MethodDef::new("__class_getitem__($type, object, /)", class_getitem, "Matches are generic over the type of string which was matched (str or bytes)").class_method(),
    ],
    &[
        GetSetDef::new("string", |_, o| Ok(this::<Match>(o).string.clone())).with_set(readonly_member).with_doc("The string passed to match() or search()."),
        GetSetDef::new("re", |_, o| Ok(this::<Match>(o).pattern.clone())).with_set(readonly_member).with_doc("The regular expression object."),
        GetSetDef::new("pos", |vm, o| Ok(vm.usize(this::<Match>(o).pos))).with_set(readonly_member).with_doc("The index into the string at which the RE engine started looking for a match."),
        GetSetDef::new("endpos", |vm, o| Ok(vm.usize(this::<Match>(o).endpos))).with_set(readonly_member).with_doc("The index into the string beyond which the RE engine will not go."),
        GetSetDef::new("lastindex", |vm, o| Ok(this::<Match>(o).lastindex.map_or(Object::NONE, |n| vm.usize(n)))).with_doc("The integer index of the last matched capturing group."),
        GetSetDef::new("lastgroup", |_, o| {
            let this = this::<Match>(o);
            Ok(this.lastindex.map_or(Object::NONE, |i| this.pattern().map_or(Object::NONE, |p| p.group_name(i))))
        }).with_doc("The name of the last matched capturing group."),
        GetSetDef::new("regs", |vm, o| {
            let this = this::<Match>(o);
            Ok(vm.tuple((0..=this.groups.len()).map(|i| pair(vm, this.span(i))).collect()))
        }),
    ],
)
.with_doc("The result of re.match() and re.search().\nMatch objects always have a boolean value of True.");

impl Match {
    /// The bounds of a group that exists.
    fn span(&self, i: usize) -> (usize, usize) {
        match i {
            0 => self.whole,
            _ => self.groups.get(i - 1).copied().unwrap_or((NO, NO)),
        }
    }
    fn pattern(&self) -> Option<&Pattern> {
        self.pattern.downcast::<Pattern>()
    }
}

/// A Match of what `state` has.
pub fn new_match(
    vm: &Vm,
    pattern: &Object,
    compiled: &Pattern,
    text: &Text,
    state: &State,
    pos: usize,
    endpos: usize,
) -> Result {
    debug_assert!(pattern.ty().is(&PATTERN));
    let groups = (1..=compiled.groups).map(|i| state.span(i).unwrap_or((NO, NO))).collect();
    let payload = Match {
        string: text.object().clone(),
        pattern: pattern.clone(),
        pos,
        endpos,
        lastindex: state.lastindex(),
        whole: state.bounds(),
        groups,
    };
    allocate(vm, &MATCH, payload)
}

fn index_or_minus_one(vm: &Vm, n: usize) -> Object {
    if n == NO { vm.int(-1) } else { vm.usize(n) }
}

fn pair(vm: &Vm, (start, end): (usize, usize)) -> Object {
    tuple::from_array(vm, [index_or_minus_one(vm, start), index_or_minus_one(vm, end)])
}

/// The number of the group that an index or a name stands for.
fn group_number(vm: &Vm, this: &Match, key: &Object) -> Result<usize> {
    let number = if vm.is_index(key) {
        vm.index_clipped(key)?
    } else {
        let found = match this.pattern().and_then(|p| p.group_index.downcast::<Dict>()) {
            Some(names) => names.get(vm, key)?,
            None => None,
        };
        found.and_then(|n| int::to_i64(&n)).unwrap_or(-1) as isize
    };
    match usize::try_from(number) {
        Ok(n) if n <= this.groups.len() => Ok(n),
        _ => Err(vm.index_error("no such group")),
    }
}

/// The text of a group.
fn group(vm: &Vm, this: &Match, i: usize, default: &Object) -> Result {
    let (start, end) = this.span(i);
    if start == NO {
        return Ok(default.clone());
    }
    if let Some(s) = this.string.downcast::<Str>() {
        let end = end.min(s.len());
        return Ok(taipan_runtime::types::str_units::substring(vm, &this.string, s, start.min(end), end));
    }
    Ok(Text::of(vm, &this.string)?.slice(vm, start, end))
}

fn edge(vm: &Vm, args: &[Object], side: fn((usize, usize)) -> usize) -> Result {
    let this = this::<Match>(&args[0]);
    let i = group_number(vm, this, &args[1])?;
    Ok(index_or_minus_one(vm, side(this.span(i))))
}

fn match_group(vm: &Vm, args: &[Object], kwnames: &[Object]) -> Result {
    if !kwnames.is_empty() {
        return Err(vm.type_error("Match.group() takes no keyword arguments"));
    }
    let Some((object, keys)) = args.split_first() else { return Err(vm.type_error("group() needs a match")) };
    let Some(this) = object.downcast::<Match>() else {
        return Err(vm.type_error(format!(
            "descriptor 'group' for 're.Match' objects doesn't apply to a '{}' object",
            object.ty().full_name()
        )));
    };
    match keys {
        [] => group(vm, this, 0, &Object::NONE),
        [key] => {
            let i = group_number(vm, this, key)?;
            group(vm, this, i, &Object::NONE)
        }
        _ => {
            let mut out = Vec::with_capacity(keys.len());
            for key in keys {
                let i = group_number(vm, this, key)?;
                out.push(group(vm, this, i, &Object::NONE)?);
            }
            Ok(vm.tuple(out))
        }
    }
}

fn match_groups(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Match>(&args[0]);
    let mut out = Vec::with_capacity(this.groups.len());
    for i in 1..=this.groups.len() {
        out.push(group(vm, this, i, &args[1])?);
    }
    Ok(vm.tuple(out))
}

fn match_groupdict(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Match>(&args[0]);
    let out = vm.new_dict();
    if let Some(names) = this.pattern().and_then(|p| p.group_index.downcast::<Dict>()) {
        for (name, number) in names.items() {
            let i = group_number(vm, this, &number)?;
            vm.set_item(&out, &name, &group(vm, this, i, &args[1])?)?;
        }
    }
    Ok(out)
}

fn match_expand(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<Match>(&args[0]);
    let filter = substitute::compile_template(vm, &this.pattern, &args[1])?;
    substitute::expand(vm, &filter, |i| match i <= this.groups.len() {
        true => group(vm, this, i, &Object::NONE),
        false => Err(vm.index_error("no such group")),
    })
}

fn match_repr(vm: &Vm, object: &Object) -> Result {
    let this = this::<Match>(object);
    let shown = vm.repr(&group(vm, this, 0, &Object::NONE)?)?;
    let mut out = taipan_runtime::types::str::Builder::new();
    out.push_str(&format!(
        "<{} object; span=({}, {}), match=",
        object.ty().full_name(),
        this.whole.0,
        this.whole.1
    ));
    if let Some(s) = shown.downcast::<Str>() {
        out.push_range(s, 0, s.len().min(50));
    }
    out.push_str(">");
    Ok(out.finish(vm))
}
