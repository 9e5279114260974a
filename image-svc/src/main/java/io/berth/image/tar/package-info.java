/**
 * Tar archives (POSIX.1-2017 pax, ustar, and GNU's long names and binary numbers), read and written
 * without ever holding more than a header.
 *
 * <p>The {@link io.berth.image.tar.TarParser} is pushed: whoever has bytes hands them over as they
 * come, in native memory, and a {@link io.berth.image.tar.TarSink} gets entries and slices of the
 * same memory. Nothing here touches a file or believes a name.
 */
@NullMarked
package io.berth.image.tar;

import org.jspecify.annotations.NullMarked;
