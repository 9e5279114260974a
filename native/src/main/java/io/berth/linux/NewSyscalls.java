package io.berth.linux;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/**
 * The system calls from number 424 on, which are the same on every architecture since Linux 5.1
 * (syscalls(2), and the kernel's {@code scripts/syscall.tbl}): a filter that names one of them must
 * not depend on the age of the library that compiles it.
 */
final class NewSyscalls {
  private static final int FIRST = 424;
  private static final Map<String, Integer> NUMBERS = new HashMap<>();

  static {
    String inOrder =
        """
        pidfd_send_signal io_uring_setup io_uring_enter io_uring_register open_tree move_mount
        fsopen fsconfig fsmount fspick pidfd_open clone3 close_range openat2 pidfd_getfd faccessat2
        process_madvise epoll_pwait2 mount_setattr quotactl_fd landlock_create_ruleset
        landlock_add_rule landlock_restrict_self memfd_secret process_mrelease futex_waitv
        set_mempolicy_home_node cachestat fchmodat2 map_shadow_stack futex_wake futex_wait
        futex_requeue statmount listmount lsm_get_self_attr lsm_set_self_attr lsm_list_modules mseal
        setxattrat getxattrat listxattrat removexattrat open_tree_attr file_getattr file_setattr
        """;
    int number = FIRST;
    for (String name : inOrder.strip().split("\\s+")) {
      NUMBERS.put(name, number++);
    }
  }

  private NewSyscalls() {}

  static Optional<Integer> number(String name) {
    return Optional.ofNullable(NUMBERS.get(name));
  }
}
