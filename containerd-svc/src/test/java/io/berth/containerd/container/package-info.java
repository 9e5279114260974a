@NullMarked
package io.berth.containerd.container;

import org.jspecify.annotations.NullMarked;
