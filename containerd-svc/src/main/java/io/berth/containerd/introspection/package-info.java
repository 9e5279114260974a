/** What clients ask about the service itself: its parts, its identity, its version. */
@NullMarked
package io.berth.containerd.introspection;

import org.jspecify.annotations.NullMarked;
