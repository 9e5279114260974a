/**
 * Images as a person means them: a name, a digest or an id becomes documents, layers and a stack of
 * snapshots.
 *
 * <p>Whatever is made here is kept from the collector by the labels that containerd's clients write
 * as well: an index refers to its manifests, a manifest to its configuration and layers, and a
 * configuration to the topmost snapshot of its unpacked layers.
 */
@NullMarked
package io.berth.image.library;

import org.jspecify.annotations.NullMarked;
