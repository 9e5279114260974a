@NullMarked
package io.berth.containerd.record;

import org.jspecify.annotations.NullMarked;
