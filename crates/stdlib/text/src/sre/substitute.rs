//! `Pattern.sub` and `subn`, and the templates of replacement strings.
//!
//! Literal replacements and templates over str are written straight into the
//! result, without a Match in between.

use super::matched::new_match;
use super::pattern::{Pattern, for_each_match};
use super::subject::Text;
use taipan_runtime::buffer::flags;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::bytes::Bytes;
use taipan_runtime::types::object::OBJECT;
use taipan_runtime::types::str::{self, Builder};
use taipan_runtime::types::{bytes, int, tuple};

/// Payload of SRE_Template: a literal, then pairs of group and literal.
pub struct Template {
    literal: Object,
    chunks: Vec<(usize, Option<Object>)>,
}

impl NativeClass for Template {
    fn class() -> &'static Type {
        &TEMPLATE
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.literal);
        self.chunks.iter().filter_map(|(_, literal)| literal.as_ref()).for_each(|o| visitor.visit_object(o));
    }
}

pub static TEMPLATE: Type = Type::new::<Template>(
    "_sre.SRE_Template",
    &OBJECT,
    type_flags::HAVE_GC | type_flags::DISALLOW_INSTANTIATION,
    Slots::EMPTY,
    &[],
    &[],
);

fn is_empty_text(object: &Object) -> bool {
    object.downcast::<Str>().is_some_and(|s| s.is_empty())
        || object.downcast::<Bytes>().is_some_and(|b| b.is_empty())
}

/// `_sre.template(pattern, list)`.
pub fn template(vm: &Vm, args: &[Object]) -> Result {
    let invalid = || vm.type_error("invalid template");
    let Some(list) = args[1].downcast::<List>() else {
        return Err(vm.type_error(format!("template() argument 2 must be list, not {}", args[1].ty().name())));
    };
    let items = list.to_vec();
    let Some((literal, rest)) = items.split_first() else { return Err(invalid()) };
    if rest.len() % 2 != 0 {
        return Err(invalid());
    }
    let mut chunks = Vec::with_capacity(rest.len() / 2);
    for pair in rest.chunks(2) {
        let [number, literal] = pair else { return Err(invalid()) };
        let Some(number) = int::to_i64(number) else { return Err(vm.type_error("an integer is required")) };
        let Ok(number) = usize::try_from(number) else { return Err(invalid()) };
        chunks.push((number, (!is_empty_text(literal)).then(|| literal.clone())));
    }
    allocate(vm, &TEMPLATE, Template { literal: literal.clone(), chunks })
}

/// What `re` makes of a replacement string: an SRE_Template.
pub fn compile_template(vm: &Vm, pattern: &Object, text: &Object) -> Result {
    let module = vm.import_module("re")?;
    let function = vm.get_attr_str(&module, "_compile_template")?;
    let mut result = vm.call(&function, &[pattern.clone(), text.clone()]);
    if result.is_err() && vm.raised_is(&exc::TYPE_ERROR) {
        // An unhashable replacement cannot be cached: try again with an exact copy.
        let copy = match text.downcast::<Str>() {
            Some(s) if text.downcast_exact::<Str>().is_none() => Some(s.slice(vm, 0, s.len())),
            Some(_) => None,
            None if text.downcast_exact::<Bytes>().is_none() && vm.is_bytes_like(text) => {
                let raised = vm.take_raised();
                let buffer = vm.buffer(text, flags::SIMPLE);
                if buffer.is_err() {
                    drop(vm.take_raised());
                }
                vm.restore_raised(raised);
                buffer.ok().map(|b| vm.bytes(b.bytes()))
            }
            None => None,
        };
        if let Some(copy) = copy {
            drop(vm.take_raised());
            result = vm.call(&function, &[pattern.clone(), copy]);
        }
    }
    let filter = result?;
    if filter.downcast::<Template>().is_none() {
        return Err(vm.runtime_error(format!(
            "the result of compiling a replacement string is {}",
            vm.repr_text(&filter)?
        )));
    }
    Ok(filter)
}

/// Joins parts that must be of the kind of `text`.
fn join(vm: &Vm, parts: &[Object], is_bytes: bool) -> Result {
    if is_bytes {
        let mut out: Vec<u8> = Vec::new();
        for (i, part) in parts.iter().enumerate() {
            if let Some(b) = part.downcast::<Bytes>() {
                out.extend_from_slice(b.as_slice());
                continue;
            }
            if !vm.is_bytes_like(part) {
                return Err(vm.type_error(format!(
                    "sequence item {i}: expected a bytes-like object, {} found",
                    part.ty().name()
                )));
            }
            out.extend_from_slice(vm.bytes_like(part, "")?.bytes());
        }
        return bytes::new(vm, &out);
    }
    if let [only] = parts
        && only.downcast_exact::<Str>().is_some()
    {
        return Ok(only.clone());
    }
    for (i, part) in parts.iter().enumerate() {
        if part.downcast::<Str>().is_none() {
            let shown = part.ty().name();
            return Err(vm.type_error(format!("sequence item {i}: expected str instance, {shown} found")));
        }
    }
    str::concat_all(vm, parts)
}

/// The template with the groups that `group` gives (None: nothing).
pub fn expand(vm: &Vm, filter: &Object, mut group: impl FnMut(usize) -> Result) -> Result {
    let template = this::<Template>(filter);
    if template.chunks.is_empty() {
        return Ok(template.literal.clone());
    }
    let mut parts = vec![template.literal.clone()];
    for (number, literal) in &template.chunks {
        let item = group(*number)?;
        if !item.is_none() {
            parts.push(item);
        }
        parts.extend(literal.clone());
    }
    let is_bytes = template.literal.downcast::<Str>().is_none();
    join(vm, &parts, is_bytes)
}

/// Has a literal replacement (a str or bytes-like object) no backslash?
fn is_literal(vm: &Vm, replacement: &Object) -> bool {
    if let Some(s) = replacement.downcast::<Str>() {
        return match s.kind() {
            str::Kind::Latin1(s) => !s.contains(&b'\\'),
            _ => s.chars().all(|c| c != '\\' as u32),
        };
    }
    match vm.buffer(replacement, flags::SIMPLE) {
        Ok(buffer) => !buffer.bytes().contains(&b'\\'),
        Err(_) => {
            drop(vm.take_raised());
            false
        }
    }
}

enum Filter {
    Literal(Object),
    Template(Object),
    Callable(Object),
}

/// `sub(repl, string, count)`; with `counting` as `subn`.
pub fn substitute(vm: &Vm, args: &[Object], counting: bool) -> Result {
    let this = this::<Pattern>(&args[0]);
    let replacement = &args[1];
    let most = vm.index_isize(&args[3])?;
    let filter = if vm.is_callable(replacement) {
        Filter::Callable(replacement.clone())
    } else if is_literal(vm, replacement) {
        Filter::Literal(replacement.clone())
    } else {
        let compiled = compile_template(vm, &args[0], replacement)?;
        match compiled.downcast::<Template>() {
            Some(template) if template.chunks.is_empty() => Filter::Literal(template.literal.clone()),
            _ => Filter::Template(compiled),
        }
    };
    let text = Text::for_pattern(vm, this, &args[2])?;
    let (result, n) = match direct(vm, this, &text, &filter, most)? {
        Some(done) => done,
        None => by_parts(vm, &args[0], this, &text, &filter, most)?,
    };
    Ok(if counting { tuple::from_array(vm, [result, vm.int(n as i64)]) } else { result })
}

fn goes_on(n: isize, most: isize) -> bool {
    most == 0 || n < most
}

/// Substitution of str in str without objects in between; None if that is
/// not what is wanted.
fn direct(
    vm: &Vm,
    pattern: &Pattern,
    text: &Text,
    filter: &Filter,
    most: isize,
) -> Result<Option<(Object, isize)>> {
    let Some(s) = text.as_str() else { return Ok(None) };
    if most < 0 {
        return Ok(None);
    }
    enum Part<'a> {
        Literal(&'a Str),
        Group(usize),
    }
    let mut parts = Vec::new();
    match filter {
        Filter::Literal(literal) => match literal.downcast::<Str>() {
            Some(literal) => parts.push(Part::Literal(literal)),
            None => return Ok(None),
        },
        Filter::Template(template) => {
            let template = this::<Template>(template);
            match template.literal.downcast::<Str>() {
                Some(literal) => parts.push(Part::Literal(literal)),
                None => return Ok(None),
            }
            for (number, literal) in &template.chunks {
                if *number > pattern.groups {
                    return Ok(None);
                }
                parts.push(Part::Group(*number));
                match literal.as_ref().map(|l| l.downcast::<Str>()) {
                    Some(Some(literal)) => parts.push(Part::Literal(literal)),
                    Some(None) => return Ok(None),
                    None => {}
                }
            }
        }
        Filter::Callable(_) => return Ok(None),
    }
    let (mut last, mut n) = (0, 0);
    let mut out = Builder::new();
    for_each_match(vm, pattern, text, (0, s.len()), |state| {
        let (start, end) = state.bounds();
        if n == 0 && out.try_reserve(s.len()).is_none() {
            return Err(vm.memory_error());
        }
        out.push_range(s, last, start);
        for part in &parts {
            match part {
                Part::Literal(literal) => {
                    if out.try_reserve(literal.len()).is_none() {
                        return Err(vm.memory_error());
                    }
                    out.push(literal);
                }
                Part::Group(i) => {
                    if let Some((start, end)) = state.span(*i) {
                        out.push_range(s, start, end);
                    }
                }
            }
        }
        last = end;
        n += 1;
        Ok(goes_on(n, most))
    })?;
    if n == 0 {
        return Ok(Some((text.slice(vm, 0, s.len()), 0)));
    }
    out.push_range(s, last, s.len());
    Ok(Some((out.finish(vm), n)))
}

fn by_parts(
    vm: &Vm,
    object: &Object,
    pattern: &Pattern,
    text: &Text,
    filter: &Filter,
    most: isize,
) -> Result<(Object, isize)> {
    let len = text.len();
    let mut parts = Vec::new();
    let (mut last, mut n) = (0, 0);
    if most >= 0 {
        for_each_match(vm, pattern, text, (0, len), |state| {
            let (start, end) = state.bounds();
            if last < start {
                parts.push(text.slice(vm, last, start));
            }
            let item = match filter {
                Filter::Literal(literal) => literal.clone(),
                Filter::Template(template) => expand(vm, template, |i| {
                    if i > pattern.groups {
                        return Err(vm.index_error("no such group"));
                    }
                    Ok(state.span(i).map_or(Object::NONE, |(start, end)| text.slice(vm, start, end)))
                })?,
                Filter::Callable(callable) => {
                    let found = new_match(vm, object, pattern, text, state, 0, len)?;
                    vm.call(callable, &[found])?
                }
            };
            if !item.is_none() {
                parts.push(item);
            }
            last = end;
            n += 1;
            Ok(goes_on(n, most))
        })?;
    }
    if last < len {
        parts.push(text.slice(vm, last, len));
    }
    if parts.is_empty() {
        return Ok((text.empty(vm), n));
    }
    Ok((join(vm, &parts, text.is_bytes())?, n))
}
