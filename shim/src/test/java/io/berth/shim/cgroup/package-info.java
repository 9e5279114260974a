/** Tests of the paths and limits of cgroups. */
@NullMarked
package io.berth.shim.cgroup;

import org.jspecify.annotations.NullMarked;
