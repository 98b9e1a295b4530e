#pragma once

// Which system calls exist in the box, by what they answer. Whatever is in no list answers ENOSYS.
//
// SCMP_SYS() gives a negative number for a call that this architecture lacks; libseccomp skips it.
// Source: Docker's default profile (moby/profiles), Flatpak's deny list, syscalls(2) of Linux 6.17.

#include <seccomp.h>

#include <array>

namespace redoubtful::cli::seccomp {

// Whatever any unprivileged program may need, and which reaches only what its own namespaces,
// descriptors and rights reach.
inline constexpr auto kOrdinaryCalls = std::to_array<int>(
    {// files and directories
     SCMP_SYS(access), SCMP_SYS(chdir), SCMP_SYS(chmod), SCMP_SYS(chown), SCMP_SYS(close),
     SCMP_SYS(close_range), SCMP_SYS(copy_file_range), SCMP_SYS(creat), SCMP_SYS(dup),
     SCMP_SYS(dup2), SCMP_SYS(dup3), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(fadvise64),
     SCMP_SYS(fallocate), SCMP_SYS(fchdir), SCMP_SYS(fchmod), SCMP_SYS(fchmodat), SCMP_SYS(fchown),
     SCMP_SYS(fchownat), SCMP_SYS(fcntl), SCMP_SYS(fdatasync), SCMP_SYS(fgetxattr),
     SCMP_SYS(flistxattr), SCMP_SYS(flock), SCMP_SYS(fremovexattr), SCMP_SYS(fsetxattr),
     SCMP_SYS(fstat), SCMP_SYS(fstatfs), SCMP_SYS(fsync), SCMP_SYS(ftruncate), SCMP_SYS(futimesat),
     SCMP_SYS(getcwd), SCMP_SYS(getdents), SCMP_SYS(getdents64), SCMP_SYS(getxattr),
     SCMP_SYS(inotify_add_watch), SCMP_SYS(inotify_init), SCMP_SYS(inotify_init1),
     SCMP_SYS(inotify_rm_watch), SCMP_SYS(lchown), SCMP_SYS(lgetxattr), SCMP_SYS(link),
     SCMP_SYS(linkat), SCMP_SYS(listxattr), SCMP_SYS(llistxattr), SCMP_SYS(lremovexattr),
     SCMP_SYS(lseek), SCMP_SYS(lsetxattr), SCMP_SYS(lstat), SCMP_SYS(mkdir), SCMP_SYS(mkdirat),
     SCMP_SYS(mknod), SCMP_SYS(mknodat), SCMP_SYS(name_to_handle_at), SCMP_SYS(newfstatat),
     SCMP_SYS(open), SCMP_SYS(openat), SCMP_SYS(openat2), SCMP_SYS(pread64), SCMP_SYS(preadv),
     SCMP_SYS(preadv2), SCMP_SYS(pwrite64), SCMP_SYS(pwritev), SCMP_SYS(pwritev2), SCMP_SYS(read),
     SCMP_SYS(readahead), SCMP_SYS(readlink), SCMP_SYS(readlinkat), SCMP_SYS(readv),
     SCMP_SYS(removexattr), SCMP_SYS(rename), SCMP_SYS(renameat), SCMP_SYS(renameat2),
     SCMP_SYS(rmdir), SCMP_SYS(sendfile), SCMP_SYS(setxattr), SCMP_SYS(splice), SCMP_SYS(stat),
     SCMP_SYS(statfs), SCMP_SYS(statx), SCMP_SYS(symlink), SCMP_SYS(symlinkat), SCMP_SYS(sync),
     SCMP_SYS(sync_file_range), SCMP_SYS(syncfs), SCMP_SYS(tee), SCMP_SYS(truncate),
     SCMP_SYS(umask), SCMP_SYS(unlink), SCMP_SYS(unlinkat), SCMP_SYS(utime), SCMP_SYS(utimensat),
     SCMP_SYS(utimes), SCMP_SYS(vmsplice), SCMP_SYS(write), SCMP_SYS(writev),
     // memory
     SCMP_SYS(brk), SCMP_SYS(get_mempolicy), SCMP_SYS(madvise), SCMP_SYS(mbind),
     SCMP_SYS(membarrier), SCMP_SYS(memfd_create), SCMP_SYS(memfd_secret), SCMP_SYS(mincore),
     SCMP_SYS(mlock), SCMP_SYS(mlock2), SCMP_SYS(mlockall), SCMP_SYS(mmap), SCMP_SYS(mprotect),
     SCMP_SYS(mremap), SCMP_SYS(msync), SCMP_SYS(munlock), SCMP_SYS(munlockall), SCMP_SYS(munmap),
     SCMP_SYS(pkey_alloc), SCMP_SYS(pkey_free), SCMP_SYS(pkey_mprotect), SCMP_SYS(process_madvise),
     SCMP_SYS(process_mrelease), SCMP_SYS(remap_file_pages), SCMP_SYS(set_mempolicy),
     // processes and threads; clone and unshare are judged by their flags
     SCMP_SYS(arch_prctl), SCMP_SYS(clone), SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(exit),
     SCMP_SYS(exit_group), SCMP_SYS(fork), SCMP_SYS(futex), SCMP_SYS(futex_waitv),
     SCMP_SYS(get_robust_list), SCMP_SYS(getcpu), SCMP_SYS(getpgid), SCMP_SYS(getpgrp),
     SCMP_SYS(getpid), SCMP_SYS(getppid), SCMP_SYS(getpriority), SCMP_SYS(getrlimit),
     SCMP_SYS(getrusage), SCMP_SYS(getsid), SCMP_SYS(gettid), SCMP_SYS(ioprio_get),
     SCMP_SYS(ioprio_set), SCMP_SYS(kcmp), SCMP_SYS(kill), SCMP_SYS(pidfd_getfd),
     SCMP_SYS(pidfd_open), SCMP_SYS(pidfd_send_signal), SCMP_SYS(prctl), SCMP_SYS(prlimit64),
     SCMP_SYS(process_vm_readv), SCMP_SYS(process_vm_writev), SCMP_SYS(ptrace),
     SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(sched_get_priority_max),
     SCMP_SYS(sched_get_priority_min), SCMP_SYS(sched_getaffinity), SCMP_SYS(sched_getattr),
     SCMP_SYS(sched_getparam), SCMP_SYS(sched_getscheduler), SCMP_SYS(sched_rr_get_interval),
     SCMP_SYS(sched_setaffinity), SCMP_SYS(sched_setattr), SCMP_SYS(sched_setparam),
     SCMP_SYS(sched_setscheduler), SCMP_SYS(sched_yield), SCMP_SYS(set_robust_list),
     SCMP_SYS(set_tid_address), SCMP_SYS(setpgid), SCMP_SYS(setpriority), SCMP_SYS(setrlimit),
     SCMP_SYS(setsid), SCMP_SYS(tgkill), SCMP_SYS(times), SCMP_SYS(tkill), SCMP_SYS(unshare),
     SCMP_SYS(vfork), SCMP_SYS(wait4), SCMP_SYS(waitid),
     // identity: without capabilities these only shuffle what the process already is
     SCMP_SYS(capget), SCMP_SYS(capset), SCMP_SYS(getegid), SCMP_SYS(geteuid), SCMP_SYS(getgid),
     SCMP_SYS(getgroups), SCMP_SYS(getresgid), SCMP_SYS(getresuid), SCMP_SYS(getuid),
     SCMP_SYS(setfsgid), SCMP_SYS(setfsuid), SCMP_SYS(setgid), SCMP_SYS(setgroups),
     SCMP_SYS(setregid), SCMP_SYS(setresgid), SCMP_SYS(setresuid), SCMP_SYS(setreuid),
     SCMP_SYS(setuid),
     // walls that a program puts around itself
     SCMP_SYS(landlock_add_rule), SCMP_SYS(landlock_create_ruleset),
     SCMP_SYS(landlock_restrict_self), SCMP_SYS(seccomp),
     // signals and time
     SCMP_SYS(alarm), SCMP_SYS(clock_getres), SCMP_SYS(clock_gettime), SCMP_SYS(clock_nanosleep),
     SCMP_SYS(getitimer), SCMP_SYS(gettimeofday), SCMP_SYS(nanosleep), SCMP_SYS(pause),
     SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigpending), SCMP_SYS(rt_sigprocmask),
     SCMP_SYS(rt_sigqueueinfo), SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigsuspend),
     SCMP_SYS(rt_sigtimedwait), SCMP_SYS(rt_tgsigqueueinfo), SCMP_SYS(setitimer),
     SCMP_SYS(sigaltstack), SCMP_SYS(signalfd), SCMP_SYS(signalfd4), SCMP_SYS(time),
     SCMP_SYS(timer_create), SCMP_SYS(timer_delete), SCMP_SYS(timer_getoverrun),
     SCMP_SYS(timer_gettime), SCMP_SYS(timer_settime), SCMP_SYS(timerfd_create),
     SCMP_SYS(timerfd_gettime), SCMP_SYS(timerfd_settime),
     // waiting, pipes, sockets (socket and socketpair are judged by family, type and protocol)
     SCMP_SYS(accept), SCMP_SYS(accept4), SCMP_SYS(bind), SCMP_SYS(connect), SCMP_SYS(epoll_create),
     SCMP_SYS(epoll_create1), SCMP_SYS(epoll_ctl), SCMP_SYS(epoll_pwait), SCMP_SYS(epoll_pwait2),
     SCMP_SYS(epoll_wait), SCMP_SYS(eventfd), SCMP_SYS(eventfd2), SCMP_SYS(getpeername),
     SCMP_SYS(getsockname), SCMP_SYS(getsockopt), SCMP_SYS(ioctl), SCMP_SYS(listen), SCMP_SYS(pipe),
     SCMP_SYS(pipe2), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(pselect6), SCMP_SYS(recvfrom),
     SCMP_SYS(recvmmsg), SCMP_SYS(recvmsg), SCMP_SYS(select), SCMP_SYS(sendmmsg), SCMP_SYS(sendmsg),
     SCMP_SYS(sendto), SCMP_SYS(setsockopt), SCMP_SYS(shutdown), SCMP_SYS(socket),
     SCMP_SYS(socketpair),
     // System V and POSIX IPC (the box has an IPC namespace), POSIX AIO (databases)
     SCMP_SYS(io_cancel), SCMP_SYS(io_destroy), SCMP_SYS(io_getevents), SCMP_SYS(io_pgetevents),
     SCMP_SYS(io_setup), SCMP_SYS(io_submit), SCMP_SYS(mq_getsetattr), SCMP_SYS(mq_notify),
     SCMP_SYS(mq_open), SCMP_SYS(mq_timedreceive), SCMP_SYS(mq_timedsend), SCMP_SYS(mq_unlink),
     SCMP_SYS(msgctl), SCMP_SYS(msgget), SCMP_SYS(msgrcv), SCMP_SYS(msgsnd), SCMP_SYS(semctl),
     SCMP_SYS(semget), SCMP_SYS(semop), SCMP_SYS(semtimedop), SCMP_SYS(shmat), SCMP_SYS(shmctl),
     SCMP_SYS(shmdt), SCMP_SYS(shmget),
     // the machine
     SCMP_SYS(getrandom), SCMP_SYS(sysinfo), SCMP_SYS(uname)});

// Newer than Debian 12's libseccomp; the numbers are the same on every architecture.
// Source: scripts/syscall.tbl, Linux 6.17.
inline constexpr auto kNewerOrdinaryCalls = std::to_array<int>({
    452,  // fchmodat2, the one call behind fchmodat(AT_SYMLINK_NOFOLLOW)
    453,  // map_shadow_stack, by which glibc gives a thread its shadow stack
    462,  // mseal
    463,  // setxattrat
    464,  // getxattrat
    465,  // listxattrat
    466   // removexattrat
});

// x86-64: the kernel itself puts these into a program that somebody outside traces; answered with
// ENOSYS, that program dies. Source: arch/x86/kernel/uprobes.c, Linux 6.11 and 6.18.
inline constexpr auto kKernelTrampolines = std::to_array<int>({335 /*uretprobe*/, 336 /*uprobe*/});

// Answered with EPERM in every box, as they would be without the box: programs know what to do.
inline constexpr auto kPrivilegedCalls = std::to_array<int>({SCMP_SYS(acct),
                                                             SCMP_SYS(adjtimex),
                                                             SCMP_SYS(bpf),
                                                             SCMP_SYS(clock_adjtime),
                                                             SCMP_SYS(clock_settime),
                                                             SCMP_SYS(delete_module),
                                                             SCMP_SYS(fanotify_init),
                                                             SCMP_SYS(fanotify_mark),
                                                             SCMP_SYS(finit_module),
                                                             SCMP_SYS(init_module),
                                                             SCMP_SYS(ioperm),
                                                             SCMP_SYS(iopl),
                                                             SCMP_SYS(kexec_file_load),
                                                             SCMP_SYS(kexec_load),
                                                             SCMP_SYS(lookup_dcookie),
                                                             SCMP_SYS(migrate_pages),
                                                             SCMP_SYS(move_pages),
                                                             SCMP_SYS(open_by_handle_at),
                                                             SCMP_SYS(perf_event_open),
                                                             SCMP_SYS(quotactl),
                                                             SCMP_SYS(quotactl_fd),
                                                             SCMP_SYS(reboot),
                                                             SCMP_SYS(settimeofday),
                                                             SCMP_SYS(swapoff),
                                                             SCMP_SYS(swapon),
                                                             SCMP_SYS(syslog),
                                                             SCMP_SYS(vhangup)});

// What a program needs to build a sandbox: bubblewrap (Codex ships one), Chromium, rootless podman.
// EPERM in a box that refuses nesting.
inline constexpr auto kNestingCalls = std::to_array<int>(
    {SCMP_SYS(chroot), SCMP_SYS(mount), SCMP_SYS(pivot_root), SCMP_SYS(setdomainname),
     SCMP_SYS(sethostname), SCMP_SYS(setns), SCMP_SYS(umount2)});

// The newer way to mount: with nesting they exist, without it ENOSYS sends libmount to mount(),
// whose EPERM it can explain.
inline constexpr auto kNewMountCalls =
    std::to_array<int>({SCMP_SYS(fsconfig), SCMP_SYS(fsmount), SCMP_SYS(fsopen), SCMP_SYS(fspick),
                        SCMP_SYS(mount_setattr), SCMP_SYS(move_mount), SCMP_SYS(open_tree)});

// In no list on purpose, so ENOSYS: clone3 (its flags lie in memory, where no filter sees them;
// libc falls back on clone), io_uring_* (does what the filter refuses), userfaultfd (makes kernel
// races winnable), keyctl, add_key, request_key (the host's keyrings are not divided by
// namespaces), modify_ldt, and whatever Linux adds next.

}  // namespace redoubtful::cli::seccomp
