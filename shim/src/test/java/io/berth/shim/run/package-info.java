/** Tests of a task's parts that need no container. */
@NullMarked
package io.berth.shim.run;

import org.jspecify.annotations.NullMarked;
