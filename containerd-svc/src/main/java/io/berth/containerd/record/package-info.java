/**
 * Container records as containerd has them: what a client said, byte for byte, with two times of
 * ours. A record has no state; that is its task's.
 */
@NullMarked
package io.berth.containerd.record;

import org.jspecify.annotations.NullMarked;
