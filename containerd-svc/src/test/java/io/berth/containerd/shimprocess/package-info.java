@NullMarked
package io.berth.containerd.shimprocess;

import org.jspecify.annotations.NullMarked;
