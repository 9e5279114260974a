/**
 * The wire's form of {@link io.berth.containerd.settings}: one class for each subject, with both
 * directions, so that a setting that is added touches one file here. Endpoints and the calls to
 * other services use it, and the table of containers for what it stores.
 *
 * <p>A message that a client left out and one that is empty mean the same in these settings; such a
 * message is left out when it is written.
 */
@NullMarked
package io.berth.containerd.api.message;

import org.jspecify.annotations.NullMarked;
