/**
 * Networks and the places of containers on them.
 *
 * <p>An endpoint's life: <em>intended</em> (recorded; nothing outside is promised) → <em>ready</em>
 * (the first packet passes) → <em>leaving</em> (its ports and its netns are gone, its link is down)
 * → forgotten, once the link is deleted and its address can be given to another. Whatever dies in
 * between, the start of this service goes by what is recorded and by what the kernel has: an
 * intended one is undone, a ready one is made whole again, a leaving one is finished.
 *
 * <p>On disk: {@code ROOT/network.db}, the tables {@code network}, {@code endpoint} and {@code
 * setting}. Networks are committed durably, endpoints lazily: another boot makes them moot. Under
 * the state folder: {@code n/ID}, a file per network namespace of ours, mounted on it.
 */
@NullMarked
package io.berth.network.endpoint;

import org.jspecify.annotations.NullMarked;
