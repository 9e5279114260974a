@NullMarked
package io.berth.containerd.task;

import org.jspecify.annotations.NullMarked;
