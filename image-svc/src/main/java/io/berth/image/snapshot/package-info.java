/**
 * Snapshots: root file systems and the layers under them.
 *
 * <p>A {@code key} names an active snapshot, which can be written, or a view, which cannot; a
 * {@code name} a committed one, which never changes and can be a parent. Preparing gives mounts for
 * the client to mount itself; nothing is mounted here. Each has a folder of its own, {@code
 * ROOT/s/N}; {@code N} is used once. A folder without a record is what a crash left, and goes at
 * the next start; a folder whose record is dropped is renamed away at once.
 */
@NullMarked
package io.berth.image.snapshot;

import org.jspecify.annotations.NullMarked;
