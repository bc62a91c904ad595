//! System calls that no program in the sandbox needs and that lead around it.

use nix::libc;
use seccompiler::{
    BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule,
};
use std::collections::BTreeMap;

/// Keyrings are not the sandbox's own; the rest is the kernel's most attacked side, or reaches into other processes.
const NEVER: [libc::c_long; 26] = [
    libc::SYS_add_key,
    libc::SYS_bpf,
    libc::SYS_delete_module,
    libc::SYS_finit_module,
    libc::SYS_init_module,
    libc::SYS_io_uring_enter,
    libc::SYS_io_uring_register,
    libc::SYS_io_uring_setup,
    libc::SYS_kexec_file_load,
    libc::SYS_kexec_load,
    libc::SYS_keyctl,
    libc::SYS_mount_setattr,
    libc::SYS_move_mount,
    libc::SYS_name_to_handle_at,
    libc::SYS_open_by_handle_at,
    libc::SYS_open_tree,
    libc::SYS_perf_event_open,
    libc::SYS_pidfd_getfd,
    libc::SYS_process_vm_readv,
    libc::SYS_process_vm_writev,
    libc::SYS_quotactl,
    libc::SYS_reboot,
    libc::SYS_request_key,
    libc::SYS_setns,
    libc::SYS_swapon,
    libc::SYS_userfaultfd,
];
/// Of these Landlock knows nothing where the mount namespace is the machine's own.
const NEVER_OUTSIDE: [libc::c_long; 11] = [
    libc::SYS_acct,
    libc::SYS_chroot,
    libc::SYS_clock_settime,
    libc::SYS_mount,
    libc::SYS_msgget,
    libc::SYS_pivot_root,
    libc::SYS_semget,
    libc::SYS_sethostname,
    libc::SYS_settimeofday,
    libc::SYS_shmget,
    libc::SYS_umount2,
];

/// Which sockets may be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sockets {
    /// All: the network is the sandbox's own.
    All,
    /// All but those that lead to other programs of this machine by a path.
    NoneByPath,
    /// TCP alone: UDP would carry names, and with them data, to anybody.
    TcpAlone,
}

impl Sockets {
    /// Where the network is shared with the machine.
    #[must_use]
    pub const fn over_shared_network(is_listed: bool) -> Self {
        if is_listed {
            Self::TcpAlone
        } else {
            Self::NoneByPath
        }
    }
}

/// Keeps this thread, and all that it starts, from them for good.
pub fn apply(sockets: Sockets) -> Result<(), Box<dyn std::error::Error>> {
    let mut rules: BTreeMap<i64, Vec<SeccompRule>> =
        NEVER.iter().map(|call| (*call, Vec::new())).collect();
    if sockets != Sockets::All {
        rules.extend(NEVER_OUTSIDE.iter().map(|call| (*call, Vec::new())));
        rules.insert(libc::SYS_socket, refused_sockets(sockets)?);
    }
    let filter = SeccompFilter::new(
        rules,
        SeccompAction::Allow,
        SeccompAction::Errno(libc::EPERM.unsigned_abs()),
        std::env::consts::ARCH.try_into()?,
    )?;
    let program: BpfProgram = filter.try_into()?;
    seccompiler::apply_filter(&program)?;
    Ok(())
}

fn refused_sockets(sockets: Sockets) -> Result<Vec<SeccompRule>, seccompiler::BackendError> {
    // The lower bits are the kind; those above are flags.
    const KIND: u64 = 0xf;
    let is = |argument, operator, value: i32| {
        let value = u64::from(value.unsigned_abs());
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, operator, value)
    };
    let mut refused = vec![
        SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, libc::AF_UNIX)?])?,
        SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, libc::AF_PACKET)?])?,
        SeccompRule::new(vec![is(0, SeccompCmpOp::Eq, libc::AF_VSOCK)?])?,
    ];
    if sockets == Sockets::TcpAlone {
        for family in [libc::AF_INET, libc::AF_INET6] {
            for kind in [libc::SOCK_DGRAM, libc::SOCK_RAW, libc::SOCK_SEQPACKET] {
                refused.push(SeccompRule::new(vec![
                    is(0, SeccompCmpOp::Eq, family)?,
                    is(1, SeccompCmpOp::MaskedEq(KIND), kind)?,
                ])?);
            }
        }
    }
    Ok(refused)
}
