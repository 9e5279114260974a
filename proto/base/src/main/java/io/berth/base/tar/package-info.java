/**
 * Tar archives (POSIX.1-2017 pax, ustar, and GNU's long names, binary numbers and sparse files),
 * read and written without ever holding more than a header.
 *
 * <p>The {@link io.berth.base.tar.TarParser} is pushed: whoever has bytes hands them over as they
 * come, in native memory, and a {@link io.berth.base.tar.TarSink} gets entries and slices of the
 * same memory. Nothing here touches a file or believes a name.
 */
@NullMarked
package io.berth.base.tar;

import org.jspecify.annotations.NullMarked;
