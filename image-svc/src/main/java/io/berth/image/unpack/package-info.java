/**
 * From a layer's bytes to files in a folder.
 *
 * <p>A {@link io.berth.image.unpack.LayerApplier} runs two platform threads a layer: one reads and
 * decompresses, one hashes the plain tar, takes it apart and writes the files. Every path is
 * resolved by the kernel below the layer's folder. A layer may be applied before the layers below
 * it are there: what it needs of them, the attributes of directories that it did not list, is
 * settled afterwards, in the order of the chain, by {@link
 * io.berth.image.unpack.ImplicitDirectories}.
 */
@NullMarked
package io.berth.image.unpack;

import org.jspecify.annotations.NullMarked;
