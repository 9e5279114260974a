/** Points in time on the wire. */
@NullMarked
package io.berth.containerd.time;

import org.jspecify.annotations.NullMarked;
