//! `_pickle`: objects as streams of bytes and back, in all protocols, byte for
//! byte what CPython writes.
//!
//! Writing is [`core`] with `save`, `reduce` and `global`, its bytes go to
//! [`output`]; reading is [`machine`] with `build`, its bytes come from
//! [`input`]. The Python classes are in [`pickler`] and [`unpickler`].

mod buffer;
mod build;
mod core;
mod global;
mod input;
mod machine;
mod memo;
mod opcodes;
mod output;
mod pickler;
mod reduce;
mod save;
mod state;
mod unpickler;

use self::core::Core;
use input::Input;
use machine::{Machine, Settings};
use memo::LoadMemo;
use pickler::raw;
use std::cell::RefCell;
use taipan_runtime::prelude::*;

/// The module.
pub static PICKLE: ModuleDef = ModuleDef {
    name: "_pickle",
    doc: "Optimized C implementation for the Python pickle module.",
    functions: &[
        MethodDef::new(
            "dump(obj, file, protocol=None, *, fix_imports=True,\n     buffer_callback=None)",
            |vm, args| {
                let [object, file, protocol, fix_imports, callback] = args else { return Ok(Object::NONE) };
                let core = Core::new(vm, protocol, fix_imports, callback)?;
                core.set_file(vm, file)?;
                core.dump(vm, object)?;
                core.flush(vm)?;
                Ok(Object::NONE)
            },
            "Write a pickled representation of obj to the open file object file.\n\nThis is equivalent to ``Pickler(file, protocol).dump(obj)``, but may\nbe more efficient.\n\nThe optional *protocol* argument tells the pickler to use the given\nprotocol; supported protocols are 0, 1, 2, 3, 4 and 5.  The default\nprotocol is 5. It was introduced in Python 3.8, and is incompatible\nwith previous versions.\n\nSpecifying a negative protocol version selects the highest protocol\nversion supported.  The higher the protocol used, the more recent the\nversion of Python needed to read the pickle produced.\n\nThe *file* argument must have a write() method that accepts a single\nbytes argument.  It can thus be a file object opened for binary\nwriting, an io.BytesIO instance, or any other custom object that meets\nthis interface.\n\nIf *fix_imports* is True and protocol is less than 3, pickle will try\nto map the new Python 3 names to the old module names used in Python\n2, so that the pickle data stream is readable with Python 2.\n\nIf *buffer_callback* is None (the default), buffer views are serialized\ninto *file* as part of the pickle stream.  It is an error if\n*buffer_callback* is not None and *protocol* is None or smaller than 5.",
        ),
        MethodDef::new(
            "dumps(obj, protocol=None, *, fix_imports=True,\n      buffer_callback=None)",
            |vm, args| {
                let [object, protocol, fix_imports, callback] = args else { return Ok(Object::NONE) };
                let core = Core::new(vm, protocol, fix_imports, callback)?;
                core.dump(vm, object)?;
                core.finish(vm)
            },
            "Return the pickled representation of the object as a bytes object.\n\nThe optional *protocol* argument tells the pickler to use the given\nprotocol; supported protocols are 0, 1, 2, 3, 4 and 5.  The default\nprotocol is 5. It was introduced in Python 3.8, and is incompatible\nwith previous versions.\n\nSpecifying a negative protocol version selects the highest protocol\nversion supported.  The higher the protocol used, the more recent the\nversion of Python needed to read the pickle produced.\n\nIf *fix_imports* is True and *protocol* is less than 3, pickle will\ntry to map the new Python 3 names to the old module names used in\nPython 2, so that the pickle data stream is readable with Python 2.\n\nIf *buffer_callback* is None (the default), buffer views are serialized\ninto *file* as part of the pickle stream.  It is an error if\n*buffer_callback* is not None and *protocol* is None or smaller than 5.",
        ),
        raw(
            "load(file, *, fix_imports=True, encoding='ASCII',\n     errors='strict', buffers=())",
            |vm, args, kwnames| {
                static SIG: Sig = Sig::new(
                    "load(file, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=<absent>)",
                );
                let bound = SIG.bind(vm, args, kwnames)?;
                let [file, fix_imports, encoding, errors, buffers] = &bound[..] else {
                    return Ok(Object::NONE);
                };
                unpickler::check_texts(vm, "load", encoding, errors)?;
                let input = Input::file(vm, file)?;
                run(vm, unpickler::settings(vm, fix_imports, encoding, errors, buffers)?, input)
            },
            "Read and return an object from the pickle data stored in a file.\n\nThis is equivalent to ``Unpickler(file).load()``, but may be more\nefficient.\n\nThe protocol version of the pickle is detected automatically, so no\nprotocol argument is needed.  Bytes past the pickled object's\nrepresentation are ignored.\n\nThe argument *file* must have two methods, a read() method that takes\nan integer argument, and a readline() method that requires no\narguments.  Both methods should return bytes.  Thus *file* can be a\nbinary file object opened for reading, an io.BytesIO object, or any\nother custom object that meets this interface.\n\nOptional keyword arguments are *fix_imports*, *encoding* and *errors*,\nwhich are used to control compatibility support for pickle stream\ngenerated by Python 2.  If *fix_imports* is True, pickle will try to\nmap the old Python 2 names to the new names used in Python 3.  The\n*encoding* and *errors* tell pickle how to decode 8-bit string\ninstances pickled by Python 2; these default to 'ASCII' and 'strict',\nrespectively.  The *encoding* can be 'bytes' to read these 8-bit\nstring instances as bytes objects.",
        ),
        raw(
            "loads(data, /, *, fix_imports=True, encoding='ASCII',\n      errors='strict', buffers=())",
            |vm, args, kwnames| {
                static SIG: Sig = Sig::new(
                    "loads(data, /, *, fix_imports=True, encoding='ASCII', errors='strict', buffers=<absent>)",
                );
                let bound = SIG.bind(vm, args, kwnames)?;
                let [data, fix_imports, encoding, errors, buffers] = &bound[..] else {
                    return Ok(Object::NONE);
                };
                unpickler::check_texts(vm, "loads", encoding, errors)?;
                let input = Input::memory(vm.bytes_like(data, "data")?);
                run(vm, unpickler::settings(vm, fix_imports, encoding, errors, buffers)?, input)
            },
            "Read and return an object from the given pickle data.\n\nThe protocol version of the pickle is detected automatically, so no\nprotocol argument is needed.  Bytes past the pickled object's\nrepresentation are ignored.\n\nOptional keyword arguments are *fix_imports*, *encoding* and *errors*,\nwhich are used to control compatibility support for pickle stream\ngenerated by Python 2.  If *fix_imports* is True, pickle will try to\nmap the old Python 2 names to the new names used in Python 3.  The\n*encoding* and *errors* tell pickle how to decode 8-bit string\ninstances pickled by Python 2; these default to 'ASCII' and 'strict',\nrespectively.  The *encoding* can be 'bytes' to read these 8-bit\nstring instances as bytes objects.",
        ),
    ],
    types: &[
        &buffer::PICKLE_BUFFER,
        &pickler::PICKLER,
        &unpickler::UNPICKLER,
        &pickler::PICKLER_MEMO,
        &unpickler::UNPICKLER_MEMO,
    ],
    init: Some(|vm, module| {
        // The proxies have no name in the module.
        for class in [&pickler::PICKLER_MEMO, &unpickler::UNPICKLER_MEMO] {
            vm.delete_attr(module, &vm.intern(class.name()))?;
        }
        state::init(vm, module)
    }),
};

/// Loads one pickle without an Unpickler.
fn run(vm: &Vm, settings: Settings, input: Input) -> Result {
    let memo = RefCell::new(LoadMemo::default());
    Machine::new(vm, &settings, &memo, input).load()
}
