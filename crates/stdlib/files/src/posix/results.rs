//! The struct sequences that functions of `posix` return.

use taipan_host::fs::{Stat, StatVfs};
use taipan_runtime::prelude::*;
use taipan_runtime::structseq::{self, StructDef};

pub static STAT: StructDef = StructDef::new(
    "os.stat_result",
    "stat_result: Result from stat, fstat, or lstat.\n\nThis object may be accessed either as a tuple of\n  (mode, ino, dev, nlink, uid, gid, size, atime, mtime, ctime)\nor via the attributes st_mode, st_ino, st_dev, st_nlink, st_uid, and so on.\n\nst_blksize, st_blocks and st_rdev are attributes only.",
    &[
        ("st_mode", "protection bits"),
        ("st_ino", "inode"),
        ("st_dev", "device"),
        ("st_nlink", "number of hard links"),
        ("st_uid", "user ID of owner"),
        ("st_gid", "group ID of owner"),
        ("st_size", "total size, in bytes"),
        ("", "integer time of last access"),
        ("", "integer time of last modification"),
        ("", "integer time of last change"),
        ("st_atime", "time of last access"),
        ("st_mtime", "time of last modification"),
        ("st_ctime", "time of last change"),
        ("st_atime_ns", "time of last access in nanoseconds"),
        ("st_mtime_ns", "time of last modification in nanoseconds"),
        ("st_ctime_ns", "time of last change in nanoseconds"),
        ("st_blksize", "blocksize for filesystem I/O"),
        ("st_blocks", "number of blocks allocated"),
        ("st_rdev", "device type (if inode device)"),
    ],
)
.with_sequence(10);

pub static STATVFS: StructDef = StructDef::new(
    "os.statvfs_result",
    "statvfs_result: Result from statvfs or fstatvfs.\n\nThis object may be accessed either as a tuple of\n  (bsize, frsize, blocks, bfree, bavail, files, ffree, favail, flag, namemax),\nor via the attributes f_bsize, f_frsize, f_blocks, f_bfree, and so on.",
    &[
        ("f_bsize", ""),
        ("f_frsize", ""),
        ("f_blocks", ""),
        ("f_bfree", ""),
        ("f_bavail", ""),
        ("f_files", ""),
        ("f_ffree", ""),
        ("f_favail", ""),
        ("f_flag", ""),
        ("f_namemax", ""),
        ("f_fsid", ""),
    ],
)
.with_sequence(10);

pub static TERMINAL_SIZE: StructDef = StructDef::new(
    "os.terminal_size",
    "A tuple of (columns, lines) for holding terminal window size",
    &[
        ("columns", "width of the terminal window in characters"),
        ("lines", "height of the terminal window in characters"),
    ],
);

pub static TIMES: StructDef = StructDef::new(
    "posix.times_result",
    "times_result: Result from os.times().\n\nThis object may be accessed either as a tuple of\n  (user, system, children_user, children_system, elapsed),\nor via the attributes user, system, children_user, children_system,\nand elapsed.",
    &[
        ("user", "user time"),
        ("system", "system time"),
        ("children_user", "user time of children"),
        ("children_system", "system time of children"),
        ("elapsed", "elapsed time since an arbitrary point in the past"),
    ],
);

pub static UNAME: StructDef = StructDef::new(
    "posix.uname_result",
    "uname_result: Result from os.uname().\n\nThis object may be accessed either as a tuple of\n  (sysname, nodename, release, version, machine),\nor via the attributes sysname, nodename, release, version, and machine.",
    &[
        ("sysname", "operating system name"),
        ("nodename", "name of machine on network (implementation-defined)"),
        ("release", "operating system release"),
        ("version", "operating system version"),
        ("machine", "hardware identifier"),
    ],
);

pub static WAITID: StructDef = StructDef::new(
    "posix.waitid_result",
    "waitid_result: Result from waitid.\n\nThis object may be accessed either as a tuple of\n  (si_pid, si_uid, si_signo, si_status, si_code),\nor via the attributes si_pid, si_uid, and so on.",
    &[("si_pid", ""), ("si_uid", ""), ("si_signo", ""), ("si_status", ""), ("si_code", "")],
);

pub static SCHED_PARAM: StructDef = StructDef::new(
    "posix.sched_param",
    "Currently has only one field: sched_priority\n\n  sched_priority\n    A scheduling parameter.",
    &[("sched_priority", "the scheduling priority")],
);

/// Constructors that differ from those of other struct sequences.
pub fn finish_types(vm: &Vm) -> Result<()> {
    let set_new = |def, new: taipan_runtime::ty::NewFn| -> Result<()> {
        let class = structseq::class(vm, def)?;
        if let Some(ty) = Type::of(&class) {
            ty.update_slots(|slots| slots.new = Some(new));
        }
        Ok(())
    };
    set_new(&STAT, stat_new)?;
    set_new(&SCHED_PARAM, sched_param_new)?;
    static REDUCE: MethodDef = MethodDef::new(
        "__reduce__($self, /)",
        |vm, args| {
            let items = args[0].downcast::<Tuple>().map_or(Vec::new(), |t| t.items().to_vec());
            Ok(vm.tuple(vec![args[0].ty().to_object(), vm.tuple(items)]))
        },
        "",
    );
    let class = structseq::class(vm, &SCHED_PARAM)?;
    if let Some(ty) = Type::of(&class) {
        let base = &taipan_runtime::types::tuple::TUPLE;
        let method = taipan_runtime::types::native_function::new_for_type(vm, &REDUCE, base);
        ty.dict().set_text(vm, "__reduce__", method);
        ty.modified();
    }
    Ok(())
}

/// The constructor that all struct sequences have.
fn plain_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    let other = structseq::class(vm, &UNAME)?;
    match Type::of(&other).and_then(|ty| ty.slots().new) {
        Some(new) => new(vm, class, args, kwnames),
        None => Err(vm.system_error("struct sequence without constructor")),
    }
}

/// From ten items the float times are the integer ones.
fn stat_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    if let ([sequence], []) = (args, kwnames)
        && let Ok(mut items) = vm.collect(sequence)
        && items.len() == STAT.n_sequence
    {
        items.extend_from_within(7..10);
        return plain_new(vm, class, &[vm.tuple(items)], &[]);
    }
    drop(vm.take_raised());
    plain_new(vm, class, args, kwnames)
}

fn sched_param_new(vm: &Vm, class: &Type, args: &[Object], kwnames: &[Object]) -> Result {
    static SIG: Sig = Sig::new("sched_param(sched_priority)");
    let args = SIG.bind(vm, args, kwnames)?;
    plain_new(vm, class, &[vm.tuple(args.to_vec())], &[])
}

/// Seconds as a float, rounded once.
fn seconds(vm: &Vm, s: i64, ns: i64) -> Object {
    vm.float(s as f64 + 1e-9 * ns as f64)
}

/// Nanoseconds as an int, whatever their size.
pub fn nanoseconds(vm: &Vm, s: i64, ns: i64) -> Object {
    taipan_runtime::types::int::from_i128(vm, s as i128 * 1_000_000_000 + ns as i128)
}

/// An `os.stat_result`.
pub fn stat_result(vm: &Vm, st: &Stat) -> Result {
    structseq::new(
        vm,
        &STAT,
        vec![
            vm.int(st.st_mode as i64),
            vm.u64(st.st_ino),
            vm.u64(st.st_dev),
            vm.u64(st.st_nlink as u64),
            vm.int(st.st_uid as i64),
            vm.int(st.st_gid as i64),
            vm.int(st.st_size),
            vm.int(st.st_atime),
            vm.int(st.st_mtime),
            vm.int(st.st_ctime),
            seconds(vm, st.st_atime, st.st_atime_nsec),
            seconds(vm, st.st_mtime, st.st_mtime_nsec),
            seconds(vm, st.st_ctime, st.st_ctime_nsec),
            nanoseconds(vm, st.st_atime, st.st_atime_nsec),
            nanoseconds(vm, st.st_mtime, st.st_mtime_nsec),
            nanoseconds(vm, st.st_ctime, st.st_ctime_nsec),
            vm.int(st.st_blksize as i64),
            vm.int(st.st_blocks),
            vm.u64(st.st_rdev),
        ],
    )
}

/// An `os.statvfs_result`.
pub fn statvfs_result(vm: &Vm, st: &StatVfs) -> Result {
    structseq::new(
        vm,
        &STATVFS,
        vec![
            vm.u64(st.f_bsize),
            vm.u64(st.f_frsize),
            vm.u64(st.f_blocks),
            vm.u64(st.f_bfree),
            vm.u64(st.f_bavail),
            vm.u64(st.f_files),
            vm.u64(st.f_ffree),
            vm.u64(st.f_favail),
            vm.u64(st.f_flag),
            vm.u64(st.f_namemax),
            vm.u64(st.f_fsid),
        ],
    )
}
