@NullMarked
package io.berth.containerd.host;

import org.jspecify.annotations.NullMarked;
