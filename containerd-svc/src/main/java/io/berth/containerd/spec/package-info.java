/**
 * Leads from what a person asked for to what is run: {@link io.berth.containerd.spec.ConfigMerge}
 * lays the image's configuration under the person's, {@link io.berth.containerd.spec.HostRules}
 * checks and completes the host's side, {@link io.berth.containerd.spec.SpecGenerator} makes the
 * OCI runtime specification and {@link io.berth.containerd.spec.ExecProcess} that of a process run
 * later.
 *
 * <p>Answers depend on the arguments alone. What must be known of the host comes with {@link
 * io.berth.containerd.spec.HostFacts}, and what must be made on it before the start is told in the
 * answer, so a refused request has changed nothing. The one class that reads files is {@link
 * io.berth.containerd.spec.DeviceFolder}.
 *
 * <p>Defaults are docker's, because an image that was tried there is expected to work here.
 */
@NullMarked
package io.berth.containerd.spec;

import org.jspecify.annotations.NullMarked;
