/**
 * What lies where on the disk: {@link io.berth.base.layout.StateFolders} names everything below the
 * folder of the state, which is gone after a reboot, {@link io.berth.base.layout.RootFolders}
 * everything below the root, which survives one; {@link io.berth.base.layout.TaskFolder} and {@link
 * io.berth.base.layout.ShimProcessFolder} are the two folders that more than one program writes
 * into, with the records that they keep there.
 *
 * <p>No other class spells a name of these. The names, modes and records are an interface between
 * versions: a program finds what an older build of it left behind. Whoever changes one of them
 * reads both forms from then on.
 */
@NullMarked
package io.berth.base.layout;

import org.jspecify.annotations.NullMarked;
