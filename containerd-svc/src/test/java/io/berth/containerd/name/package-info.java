/** Tests of ids, names and look-ups. */
package io.berth.containerd.name;
