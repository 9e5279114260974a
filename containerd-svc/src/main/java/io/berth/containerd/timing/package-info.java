/** Where the time of a container's start and end goes: steps, and calls of other services. */
@NullMarked
package io.berth.containerd.timing;

import org.jspecify.annotations.NullMarked;
