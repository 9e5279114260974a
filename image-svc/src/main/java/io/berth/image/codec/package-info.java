/**
 * Streams of bytes in native memory: where they come from, what their digest is, what they become
 * when unpacked.
 *
 * <p>Layers are large, so nothing here copies through the Java heap where it can be avoided.
 * Compression is told by the first bytes, never by a name or a media type.
 */
@NullMarked
package io.berth.image.codec;

import org.jspecify.annotations.NullMarked;
