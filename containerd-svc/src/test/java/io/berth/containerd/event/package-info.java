/** Tests of what is told. */
@NullMarked
package io.berth.containerd.event;

import org.jspecify.annotations.NullMarked;
