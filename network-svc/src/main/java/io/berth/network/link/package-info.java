/**
 * Links of the host's and of endpoints: bridges, the cables from them into network namespaces,
 * endpoints kept ready, and the reaper of what is left.
 *
 * <p>Two rules of the kernel shape all of this. Deleting a link takes 13 to 26 ms, so nobody who
 * waits for an answer deletes one: a link that is given up is taken down and put into a group,
 * which the reaper deletes as a whole. And a link that is up need not pass packets for a second:
 * asking the kernel for it makes it finish what is pending.
 *
 * <p>A link is ours if its name <em>and</em> its alias say so (or the group that it was made in,
 * for the moment before it has its alias). Names are never used twice.
 */
@NullMarked
package io.berth.network.link;

import org.jspecify.annotations.NullMarked;
