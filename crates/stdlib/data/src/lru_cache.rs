//! The wrapper that `functools.lru_cache` makes: a cache of results by
//! arguments, without bound or with the least recently used thrown out.
//!
//! The bounded cache is a dict from keys to the numbers of links in a slab;
//! the links form a ring in order of use, link 0 being its root.

use std::cell::{Cell, RefCell};
use taipan_runtime::prelude::*;
use taipan_runtime::support::{allocate, check_arity, this};
use taipan_runtime::types::cell::ObjectCell;
use taipan_runtime::types::object::{OBJECT, get_dict, set_dict};
use taipan_runtime::types::str::STR;
use taipan_runtime::types::{function, int, object, tuple};

struct Link {
    key: Object,
    hash: i64,
    result: Object,
    previous: u32,
    next: u32,
}

/// Payload of _lru_cache_wrapper.
pub struct LruCache {
    function: ObjectCell,
    /// A dict: key to result (unbounded) or to link number (bounded).
    cache: Object,
    info_type: ObjectCell,
    /// -1: no bound.
    max_size: i64,
    typed: bool,
    hits: Cell<i64>,
    misses: Cell<i64>,
    links: RefCell<Vec<Link>>,
    free: RefCell<Vec<u32>>,
}

impl NativeClass for LruCache {
    fn class() -> &'static Type {
        &LRU_CACHE_WRAPPER
    }
    fn traverse(&self, visitor: &mut Visitor) {
        self.function.traverse(visitor);
        self.info_type.traverse(visitor);
        visitor.visit_object(&self.cache);
        if let Ok(links) = self.links.try_borrow() {
            for link in links.iter() {
                visitor.visit_object(&link.key);
                visitor.visit_object(&link.result);
            }
        }
    }
    fn clear(&self) {
        let links = self.reset_links();
        if let Some(cache) = self.cache.downcast::<Dict>() {
            cache.clear();
        }
        drop(links);
        self.function.clear();
        self.info_type.clear();
    }
}

impl LruCache {
    /// Empties the ring; what was in it is to be dropped by the caller, last.
    fn reset_links(&self) -> Vec<Link> {
        let root = Link { key: Object::UNBOUND, hash: 0, result: Object::UNBOUND, previous: 0, next: 0 };
        self.free.borrow_mut().clear();
        self.links.replace(vec![root])
    }
}

pub static LRU_CACHE_WRAPPER: Type = Type::new::<LruCache>(
    "functools._lru_cache_wrapper",
    &OBJECT,
    type_flags::BASE | type_flags::HAVE_GC | type_flags::WEAKREFABLE | type_flags::METHOD_DESCRIPTOR,
    Slots {
        new: Some(cache_new),
        call: Some(cache_call),
        descr_get: Some(|vm, cache, object, _| match object {
            Some(object) if !object.is_none() => Ok(function::new_method(vm, cache.clone(), object.clone())),
            _ => Ok(cache.clone()),
        }),
        ..Slots::EMPTY
    },
    &[
        MethodDef::new("cache_info($self, /)", cache_info, "Report cache statistics"),
        MethodDef::new("cache_clear($self, /)", cache_clear, "Clear the cache and cache statistics"),
        MethodDef::new("__reduce__($self, /)", |vm, args| vm.get_attr_str(&args[0], "__qualname__"), ""),
        MethodDef::new("__copy__($self, /)", |_, args| Ok(args[0].clone()), ""),
        MethodDef::new("__deepcopy__($self, memo, /)", |_, args| Ok(args[0].clone()), ""),
    ],
    &[GetSetDef::new("__dict__", get_dict).with_set(set_dict)],
)
.with_dict()
.with_doc("Create a cached callable that wraps another function.\n\nuser_function:      the function being cached\n\nmaxsize:  0         for no caching\n          None      for unlimited cache size\n          n         for a bounded cache\n\ntyped:    False     cache f(3) and f(3.0) as identical calls\n          True      cache f(3) and f(3.0) as distinct calls\n\ncache_info_type:    namedtuple class with the fields:\n                        hits misses currsize maxsize\n");

static SIG: Sig = Sig::new("lru_cache(user_function, maxsize, typed, cache_info_type)");

fn cache_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let bound = SIG.bind(vm, args, kwnames)?;
    if !vm.is_callable(&bound[0]) {
        return Err(vm.type_error("the first argument must be callable"));
    }
    let max_size = if bound[1].is_none() {
        -1
    } else if vm.is_index(&bound[1]) {
        vm.index_isize(&bound[1])?.max(0) as i64
    } else {
        return Err(vm.type_error("maxsize should be integer or None"));
    };
    let typed = vm.is_true(&bound[2])?;
    let payload = LruCache {
        function: ObjectCell::new(bound[0].clone()),
        cache: vm.new_dict(),
        info_type: ObjectCell::new(bound[3].clone()),
        max_size,
        typed,
        hits: Cell::new(0),
        misses: Cell::new(0),
        links: RefCell::new(Vec::new()),
        free: RefCell::new(Vec::new()),
    };
    payload.reset_links();
    allocate(vm, class, payload)
}

/// What stands between positional and keyword arguments in a key.
fn keyword_mark(vm: &Vm) -> Object {
    match vm.shared("lru_cache keyword mark") {
        Some(mark) => mark,
        None => {
            let mark = vm.alloc(&OBJECT, object::Plain);
            vm.share("lru_cache keyword mark", mark.clone());
            mark
        }
    }
}

fn make_key(vm: &Vm, args: &[Object], kwnames: &[Object], typed: bool) -> Object {
    if !typed && kwnames.is_empty() {
        if let [only] = args
            && (only.is_int() || only.ty().is(&STR) || only.ty().is(&int::INT))
        {
            return only.clone();
        }
        return tuple::from_slice(vm, args);
    }
    let (positional, values) = args.split_at(args.len() - kwnames.len());
    let mut key = Vec::with_capacity(args.len() * 2 + kwnames.len() + 1);
    key.extend_from_slice(positional);
    if !kwnames.is_empty() {
        key.push(keyword_mark(vm));
        for (name, value) in kwnames.iter().zip(values) {
            key.push(name.clone());
            key.push(value.clone());
        }
    }
    if typed {
        key.extend(args.iter().map(|value| value.ty().to_object()));
    }
    vm.tuple(key)
}

fn cache_call(vm: &Vm, object: &Object, args: &[Object], kwnames: &[Object]) -> Result {
    let this = this::<LruCache>(object);
    let function = this.function.get();
    if this.max_size == 0 {
        this.misses.set(this.misses.get() + 1);
        return vm.call_kw(&function, args, kwnames);
    }
    let Some(cache) = this.cache.downcast::<Dict>() else {
        return Err(vm.system_error("cache without dict"));
    };
    let key = make_key(vm, args, kwnames, this.typed);
    let hash = vm.hash(&key)?;
    let found = cache.get_with_hash(vm, &key, hash)?;
    if this.max_size < 0 {
        if let Some(result) = found {
            this.hits.set(this.hits.get() + 1);
            return Ok(result);
        }
        this.misses.set(this.misses.get() + 1);
        let result = vm.call_kw(&function, args, kwnames)?;
        cache.set_with_hash(vm, &key, hash, result.clone())?;
        return Ok(result);
    }
    if let Some(number) = found {
        let mut links = this.links.borrow_mut();
        let i = number.as_int() as u32;
        unlink(&mut links, i);
        append(&mut links, i);
        this.hits.set(this.hits.get() + 1);
        return Ok(links[i as usize].result.clone());
    }
    this.misses.set(this.misses.get() + 1);
    let result = vm.call_kw(&function, args, kwnames)?;
    // The call may have cached the same key meanwhile.
    if cache.get_with_hash(vm, &key, hash)?.is_some() {
        return Ok(result);
    }
    if (cache.len() as i64) < this.max_size || this.links.borrow()[0].next == 0 {
        store(vm, this, cache, key, hash, result.clone())?;
        return Ok(result);
    }
    // Full: the oldest link goes out, the new one comes in its place.
    let oldest = this.links.borrow()[0].next;
    let old_key = {
        let mut links = this.links.borrow_mut();
        unlink(&mut links, oldest);
        links[oldest as usize].key.clone()
    };
    let popped = match cache.remove(vm, &old_key) {
        Ok(popped) => popped,
        Err(raised) => {
            let mut links = this.links.borrow_mut();
            append(&mut links, oldest);
            return Err(raised);
        }
    };
    if popped.is_none() {
        // Somebody else has taken it out: forget the link, cache nothing new.
        return Ok(result);
    }
    let old = {
        let mut links = this.links.borrow_mut();
        match links.get_mut(oldest as usize) {
            Some(link) => {
                let old = (
                    std::mem::replace(&mut link.key, Object::UNBOUND),
                    std::mem::replace(&mut link.result, Object::UNBOUND),
                );
                this.free.borrow_mut().push(oldest);
                Some(old)
            }
            None => None,
        }
    };
    store(vm, this, cache, key, hash, result.clone())?;
    drop(old);
    Ok(result)
}

/// Adds a link and its entry in the dict.
fn store(vm: &Vm, this: &LruCache, cache: &Dict, key: Object, hash: i64, result: Object) -> Result<()> {
    let i = {
        let mut links = this.links.borrow_mut();
        let link = Link { key: key.clone(), hash, result, previous: 0, next: 0 };
        let free = this.free.borrow_mut().pop();
        match free {
            Some(i) if (i as usize) < links.len() => {
                links[i as usize] = link;
                i
            }
            _ => {
                if links.len() >= u32::MAX as usize || links.try_reserve(1).is_err() {
                    return Err(vm.memory_error());
                }
                links.push(link);
                (links.len() - 1) as u32
            }
        }
    };
    // The comparison of keys may run code, even cache_clear(): the link is not in the ring yet.
    let stored = cache.set_with_hash(vm, &key, hash, vm.int(i as i64));
    let mut links = this.links.borrow_mut();
    let valid = links.get(i as usize).is_some_and(|link| link.hash == hash && link.key.is(key.value()));
    if stored.is_ok() && valid {
        append(&mut links, i);
        return Ok(());
    }
    drop(links);
    if stored.is_ok() {
        cache.remove(vm, &key)?;
    }
    stored
}

fn unlink(links: &mut [Link], i: u32) {
    let (previous, next) = (links[i as usize].previous, links[i as usize].next);
    links[previous as usize].next = next;
    links[next as usize].previous = previous;
}

/// Makes link `i` the latest used one.
fn append(links: &mut [Link], i: u32) {
    let last = links[0].previous;
    links[i as usize].previous = last;
    links[i as usize].next = 0;
    links[last as usize].next = i;
    links[0].previous = i;
}

fn cache_info(vm: &Vm, args: &[Object]) -> Result {
    let this = this::<LruCache>(&args[0]);
    let size = this.cache.downcast::<Dict>().map_or(0, |d| d.len());
    let max_size = if this.max_size < 0 { Object::NONE } else { vm.int(this.max_size) };
    let fields = [vm.int(this.hits.get()), vm.int(this.misses.get()), max_size, vm.usize(size)];
    vm.call(&this.info_type.get(), &fields)
}

fn cache_clear(vm: &Vm, args: &[Object]) -> Result {
    check_arity(vm, "cache_clear", args.len() - 1, 0, 0)?;
    let this = this::<LruCache>(&args[0]);
    this.hits.set(0);
    this.misses.set(0);
    let links = this.reset_links();
    if let Some(cache) = this.cache.downcast::<Dict>() {
        cache.clear();
    }
    drop(links);
    Ok(Object::NONE)
}
