/**
 * The kernel, seen from Java: the only code of the project that uses the foreign function
 * interface.
 *
 * <p>The nouns are descriptors ({@link io.berth.linux.Fd}), mounts ({@link io.berth.linux.Mounts},
 * {@link io.berth.linux.Overlays}), files below a root that nobody's links lead out of ({@link
 * io.berth.linux.RootedFiles}), processes ({@link io.berth.linux.Processes}), Unix sockets ({@link
 * io.berth.linux.Sockets}) and one thread that waits for many descriptors ({@link
 * io.berth.linux.Poller}). They are thin: they make the kernel's calls safe to write, and decide
 * nothing.
 *
 * <p>A refused call is a {@link io.berth.linux.SyscallException}, checked, with the call, its
 * subject and the error by name. The layer above that knows what the error means there translates
 * it.
 *
 * <p>A call into the kernel holds its carrier thread, and nothing compensates for it. So everything
 * here returns well below a millisecond, except what says "platform threads only": on a virtual
 * thread that would stop others.
 *
 * <p>Strings that name files are {@link io.berth.linux.FileNames}. Syscalls go through {@code
 * syscall(2)} by number; numbers, offsets, sizes and constants stand in few classes and are
 * compared with the real headers by a test.
 */
@NullMarked
package io.berth.linux;

import org.jspecify.annotations.NullMarked;
