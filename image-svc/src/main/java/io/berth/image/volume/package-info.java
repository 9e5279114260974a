/** Volumes: named folders that outlive containers. */
@NullMarked
package io.berth.image.volume;

import org.jspecify.annotations.NullMarked;
