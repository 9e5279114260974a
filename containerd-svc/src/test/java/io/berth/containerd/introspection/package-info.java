@NullMarked
package io.berth.containerd.introspection;

import org.jspecify.annotations.NullMarked;
