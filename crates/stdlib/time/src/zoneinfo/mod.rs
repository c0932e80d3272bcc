//! The module `_zoneinfo`: time zones from the files of the IANA database.
//! Finding and reading a file is left to `zoneinfo._tzpath` and
//! `zoneinfo._common`.
//!
//! * this file: the type and its caches;
//! * `table`: the transitions of a zone;
//! * `rules`: the rule for the time after them.

mod rules;
mod table;

use crate::datetime::calendar::{self, DAY_SECONDS, EPOCH_ORDINAL};
use crate::datetime::stamp::{self, DateTime};
use crate::datetime::zone::{TZINFO, TzInfo};
use std::cell::Cell;
use table::{Kind, Table};
use taipan_runtime::native::Sig;
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, this};
use taipan_runtime::types::{list, str, tuple};

pub static MODULE: ModuleDef = ModuleDef {
    name: "_zoneinfo",
    doc: "C implementation of the zoneinfo module",
    functions: &[],
    types: &[],
    init: Some(|vm, module| {
        // The base class must be there first.
        vm.import_module("_datetime")?;
        taipan_runtime::types::typ::ready(vm, &ZONE_INFO);
        vm.set_attr_str(module, "ZoneInfo", &ZONE_INFO.to_object())?;
        let weak = new_weak_cache(vm)?;
        vm.share(WEAK_CACHE, weak);
        vm.share(STRONG_CACHE, vm.list(Vec::new()));
        Ok(())
    }),
};

/// Keys of the caches of the class itself.
const WEAK_CACHE: &str = "zoneinfo.ZoneInfo: weak cache";
const STRONG_CACHE: &str = "zoneinfo.ZoneInfo: strong cache";
/// So many zones are kept alive.
const STRONG: usize = 8;

/// Where a zone came from, which is how it is pickled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Source {
    NoCache,
    Cache,
    File,
}

/// Payload of ZoneInfo.
#[repr(C)]
pub struct ZoneInfo {
    base: TzInfo,
    key: Object,
    /// What to show for a zone without a key.
    file: Object,
    source: Cell<Source>,
    table: Table,
}

impl NativeClass for ZoneInfo {
    fn class() -> &'static Type {
        &ZONE_INFO
    }
    fn traverse(&self, visitor: &mut Visitor) {
        visitor.visit_object(&self.key);
        visitor.visit_object(&self.file);
        self.table.traverse(visitor);
    }
}

pub static ZONE_INFO: Type = Type::new::<ZoneInfo>(
    "zoneinfo.ZoneInfo",
    &TZINFO,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE,
    Slots {
        new: Some(zone_new),
        ..Slots::EMPTY.repr(repr).str(|vm, zone| match &this::<ZoneInfo>(zone).key {
            key if key.is_none() => repr(vm, zone),
            key => Ok(key.clone()),
        })
    },
    &[
        MethodDef::new("clear_cache($type, /, *, only_keys=None)", clear_cache, "Clear the ZoneInfo cache.")
            .class_method(),
        MethodDef::new(
            "no_cache($type, /, key)",
            |vm, args| no_cache(vm, class_of(vm, &args[0])?, &args[1]),
            "Get a new instance of ZoneInfo, bypassing the cache.",
        )
        .class_method(),
        MethodDef::new(
            "from_file($type, file_obj, /, key=None)",
            |vm, args| {
                let file = vm.repr(&args[1])?;
                let table = load(vm, &args[1])?;
                make(vm, class_of(vm, &args[0])?, args[2].clone(), file, Source::File, table)
            },
            "Create a ZoneInfo file from a file object.",
        )
        .class_method(),
        MethodDef::new(
            "utcoffset($self, dt, /)",
            |vm, args| answer(vm, args, |kind| &kind.offset),
            "Retrieve a timedelta representing the UTC offset in a zone at the given datetime.",
        ),
        MethodDef::new(
            "dst($self, dt, /)",
            |vm, args| answer(vm, args, |kind| &kind.dst),
            "Retrieve a timedelta representing the amount of DST applied in a zone at the given datetime.",
        ),
        MethodDef::new(
            "tzname($self, dt, /)",
            |vm, args| answer(vm, args, |kind| &kind.name),
            "Retrieve a string containing the abbreviation for the time zone that applies in a zone at a given datetime.",
        ),
        MethodDef::new(
            "fromutc($self, object, /)",
            |vm, args| from_utc(vm, &args[0], &args[1]),
            "Given a datetime with local time in UTC, retrieve an adjusted datetime in local time.",
        ),
        MethodDef::new(
            "__reduce__($self, /)",
            reduce,
            "Function for serialization with the pickle protocol.",
        ),
        MethodDef::new(
            "_unpickle($type, key, from_cache, /)",
            |vm, args| {
                if vm.is_true(&args[2])? {
                    return cached(vm, class_of(vm, &args[0])?, &args[1]);
                }
                no_cache(vm, class_of(vm, &args[0])?, &args[1])
            },
            "Private method used in unpickling.",
        )
        .class_method(),
        MethodDef::raw(
            "__init_subclass__($type, /, *args, **kwargs)",
            |vm, args, _| {
                if let Some(class) = args.first() {
                    vm.set_attr_str(class, "_weak_cache", &new_weak_cache(vm)?)?;
                }
                Ok(Object::NONE)
            },
            "Function to initialize subclasses.",
        )
        .class_method(),
    ],
    &[GetSetDef::member("key", |_, zone| Ok(this::<ZoneInfo>(zone).key.clone()))],
);

fn class_of<'a>(vm: &Vm, object: &'a Object) -> Result<&'a Type> {
    Type::of(object).ok_or_else(|| vm.type_error("a class is needed"))
}

fn repr(vm: &Vm, object: &Object) -> Result {
    let zone = this::<ZoneInfo>(object);
    let class = taipan_runtime::support::qualified_name(vm, object.ty())?;
    let mut out = str::Builder::new();
    out.push_str(&class);
    if zone.key.is_none() {
        out.push_str(".from_file(");
        out.push_object(&vm.str_of(&zone.file)?);
    } else {
        out.push_str("(key=");
        out.push_object(&vm.repr(&zone.key)?);
    }
    out.push_str(")");
    Ok(out.finish(vm))
}

// ---- construction and caches --------------------------------------------------------------

static SIG: Sig = Sig::new("ZoneInfo(key)");

fn zone_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    cached(vm, class, &bound[0])
}

fn load(vm: &Vm, file: &Object) -> Result<Table> {
    let common = vm.import_module("zoneinfo._common")?;
    let data = vm.call_method(&common, "load_data", std::slice::from_ref(file))?;
    Table::new(vm, &data)
}

fn make(vm: &Vm, class: &Type, key: Object, file: Object, source: Source, table: Table) -> Result {
    allocate(vm, class, ZoneInfo { base: TzInfo, key, file, source: Cell::new(source), table })
}

/// A zone from its file.
fn read(vm: &Vm, class: &Type, key: &Object, source: Source) -> Result {
    let paths = vm.import_module("zoneinfo._tzpath")?;
    let path = vm.call_method(&paths, "find_tzfile", std::slice::from_ref(key))?;
    let file = if path.is_none() {
        let common = vm.import_module("zoneinfo._common")?;
        vm.call_method(&common, "load_tzdata", std::slice::from_ref(key))?
    } else {
        let io = vm.import_module("io")?;
        vm.call_method(&io, "open", &[path, vm.str("rb")])?
    };
    match load(vm, &file) {
        Ok(table) => {
            vm.call_method(&file, "close", &[])?;
            make(vm, class, key.clone(), Object::NONE, source, table)
        }
        Err(raised) => {
            let exception = vm.caught(raised);
            if let Err(other) = vm.call_method(&file, "close", &[]) {
                drop(vm.caught(other));
            }
            Err(vm.raise(exception))
        }
    }
}

fn no_cache(vm: &Vm, class: &Type, key: &Object) -> Result {
    read(vm, class, key, Source::NoCache)
}

fn new_weak_cache(vm: &Vm) -> Result {
    let weakref = vm.import_module("weakref")?;
    vm.call_method(&weakref, "WeakValueDictionary", &[])
}

fn weak_cache(vm: &Vm, class: &Type) -> Result {
    if class.is(&ZONE_INFO) {
        return match vm.shared(WEAK_CACHE) {
            Some(cache) => Ok(cache),
            None => new_weak_cache(vm),
        };
    }
    vm.get_attr_str(&class.to_object(), "_weak_cache")
}

/// The entries of the strong cache, the one used last in front.
fn strong_entries(vm: &Vm) -> Vec<Object> {
    match vm.shared(STRONG_CACHE).as_ref().and_then(|cache| cache.downcast::<List>()) {
        Some(cache) => cache.to_vec(),
        None => Vec::new(),
    }
}

fn set_strong_entries(vm: &Vm, entries: Vec<Object>) {
    vm.share(STRONG_CACHE, list::from_vec(vm, entries));
}

/// The position of a key among entries.
fn position(vm: &Vm, entries: &[Object], key: &Object) -> Result<Option<usize>> {
    for (i, entry) in entries.iter().enumerate() {
        if let Some([known, _]) = entry.downcast::<Tuple>().map(|pair| pair.items())
            && vm.compare_bool(known, key, CompareOp::Eq)?
        {
            return Ok(Some(i));
        }
    }
    Ok(None)
}

/// The zone of a key, from a cache if it is there.
fn cached(vm: &Vm, class: &Type, key: &Object) -> Result {
    let strong = class.is(&ZONE_INFO);
    if strong {
        let mut entries = strong_entries(vm);
        if let Some(i) = position(vm, &entries, key)? {
            if i > 0 {
                entries[..=i].rotate_right(1);
                set_strong_entries(vm, entries.clone());
            }
            if let Some([_, zone]) = entries[0].downcast::<Tuple>().map(|pair| pair.items()) {
                return Ok(zone.clone());
            }
        }
    }
    let cache = weak_cache(vm, class)?;
    let mut zone = vm.call_method(&cache, "get", &[key.clone(), Object::NONE])?;
    if zone.is_none() {
        let made = read(vm, class, key, Source::NoCache)?;
        zone = vm.call_method(&cache, "setdefault", &[key.clone(), made])?;
        check_cached(vm, class, key, &zone)?;
        if let Some(zone) = zone.downcast::<ZoneInfo>() {
            zone.source.set(Source::Cache);
        }
    } else {
        check_cached(vm, class, key, &zone)?;
    }
    if strong {
        let mut entries = strong_entries(vm);
        entries.insert(0, tuple::pair(vm, key.clone(), zone.clone()));
        entries.truncate(STRONG);
        set_strong_entries(vm, entries);
    }
    Ok(zone)
}

/// Python code can put anything into the weak cache.
fn check_cached(vm: &Vm, class: &Type, key: &Object, zone: &Object) -> Result<()> {
    if zone.is_instance_of(class) {
        return Ok(());
    }
    let shown = vm.repr_text(key)?;
    let found = taipan_runtime::support::qualified_name(vm, zone.ty())?;
    Err(vm.runtime_error(format!(
        "Unexpected instance of {found} in {} weak cache for key {shown}",
        class.full_name()
    )))
}

fn clear_cache(vm: &Vm, args: &[Object]) -> Result {
    let class = class_of(vm, &args[0])?;
    let cache = weak_cache(vm, class)?;
    if args[1].is_none() {
        vm.call_method(&cache, "clear", &[])?;
        if class.is(&ZONE_INFO) {
            set_strong_entries(vm, Vec::new());
        }
        return Ok(Object::NONE);
    }
    for key in vm.collect(&args[1])? {
        if class.is(&ZONE_INFO) {
            let mut entries = strong_entries(vm);
            if let Some(i) = position(vm, &entries, &key)? {
                entries.remove(i);
                set_strong_entries(vm, entries);
            }
        }
        vm.call_method(&cache, "pop", &[key, Object::NONE])?;
    }
    Ok(Object::NONE)
}

fn reduce(vm: &Vm, args: &[Object]) -> Result {
    let zone = this::<ZoneInfo>(&args[0]);
    if zone.source.get() == Source::File {
        let pickle = vm.import_module("pickle")?;
        let class = vm.get_attr_str(&pickle, "PicklingError")?;
        let error = vm.call(&class, &[vm.str("Cannot pickle a ZoneInfo file from a file stream.")])?;
        return Err(vm.raise_in_context(error));
    }
    let constructor = vm.get_attr_str(&args[0].ty().to_object(), "_unpickle")?;
    let from_cache = vm.int((zone.source.get() == Source::Cache) as i64);
    Ok(tuple::pair(vm, constructor, tuple::pair(vm, zone.key.clone(), from_cache)))
}

// ---- answers --------------------------------------------------------------------------------

impl ZoneInfo {
    /// The kind of time at a datetime of this zone; None if that is not known without one.
    pub fn find(&self, vm: &Vm, object: &Object) -> Result<Option<&Kind>> {
        if object.is_none() {
            return Ok(self.table.always());
        }
        if let Some(stamp) = object.downcast_exact::<DateTime>() {
            return Ok(Some(self.find_exact(stamp)));
        }
        // What is no datetime may behave like one.
        let ordinal = vm.to_i64(&vm.call_method(object, "toordinal", &[])?)?;
        let field = |name: &str| vm.to_i64(&vm.get_attr_str(object, name)?);
        let (hour, minute, second) = (field("hour")?, field("minute")?, field("second")?);
        let (fold, year) = match object.downcast::<DateTime>() {
            Some(stamp) => (stamp.fold(), stamp.day().year as i32),
            None => (field("fold")? as u8, vm.to_c_int(&vm.get_attr_str(object, "year")?)?),
        };
        let of_day = hour.wrapping_mul(3600).wrapping_add(minute.wrapping_mul(60)).wrapping_add(second);
        let seconds = ordinal.wrapping_sub(EPOCH_ORDINAL).wrapping_mul(DAY_SECONDS).wrapping_add(of_day);
        let year = year.clamp(calendar::MIN_YEAR, calendar::MAX_YEAR);
        Ok(Some(self.table.at_local(seconds, fold, year)))
    }

    /// The kind of time at a datetime on the clock of this zone.
    pub fn find_exact(&self, stamp: &DateTime) -> &Kind {
        let seconds = stamp.local_seconds() - EPOCH_ORDINAL * DAY_SECONDS;
        self.table.at_local(seconds, stamp.fold(), stamp.day().year as i32)
    }
}

fn answer(vm: &Vm, args: &[Object], what: fn(&Kind) -> &Object) -> Result {
    let zone = this::<ZoneInfo>(&args[0]);
    Ok(zone.find(vm, &args[1])?.map_or(Object::NONE, |kind| what(kind).clone()))
}

/// Universal to local time.
pub fn from_utc(vm: &Vm, zone: &Object, object: &Object) -> Result {
    let Some(stamp) = object.downcast::<DateTime>() else {
        return Err(vm.type_error("fromutc: argument must be a datetime"));
    };
    if !stamp.tzinfo.is(zone.value()) {
        return Err(vm.value_error("fromutc: dt.tzinfo is not self"));
    }
    let seconds = stamp.local_seconds() - EPOCH_ORDINAL * DAY_SECONDS;
    let found = this::<ZoneInfo>(zone).table.at_utc(seconds, stamp.day().year as i32);
    let local = stamp::shifted(vm, object, stamp, found.kind.delta(), 1)?;
    if found.fold == 0 {
        return Ok(local);
    }
    match local.downcast_exact::<DateTime>() {
        Some(stamp) => {
            stamp.set_fold(found.fold);
            Ok(local)
        }
        None => {
            let replace = vm.get_attr_str(&local, "replace")?;
            vm.call_kw(&replace, &[vm.int(1)], &[vm.intern("fold")])
        }
    }
}
